"""The ground of the sample quarter: terrain (DGM1) and picture (DOP10) made from the same plan as its buildings.

`survey` draws the plan up as flat shapes (`streets`, `yards`, `roofs`, `outskirts`) and plants the trees; `picture`
takes the photograph, `files` writes both products.
"""
