import { App } from "./app";
import "./ui/tokens.css";
import "./ui/page.css";

const root = document.getElementById("page");
if (root) void new App(root).start();
