/* Draws the page that the data ask for. */
"use strict";

page.kinds[page.data.page](page.data);
document.getElementById("head").append(page.contents());
document.getElementById("foot").append(page.el("p", {}, "tokenroof " + page.data.version + ". This file holds all of its data and loads nothing. GB/s = 10⁹ bytes per second, GiB = 2³⁰ bytes, an FMA counts as 2 FLOP."),
  chart.available() ? page.el("p", {}, "Charts: D3 (BSD license, see the source of this page).") : page.el("p", {}, "This program was built without D3: tables in place of charts."));
chart.start();
