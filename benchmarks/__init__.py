"""Speed and memory as ratios to peers and limits in the same run; correctness is never judged here."""
