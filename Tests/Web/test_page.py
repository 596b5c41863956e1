#!/usr/bin/env python3
"""The page in a real browser: every view on the sample images, live and as a report. Screenshots are for people to look at.

    test_page.py PAGEWALK IMAGES SCREENSHOTS
"""

import sys
import tempfile
import time
import traceback
from pathlib import Path

import hostile
from browser import Browser, Session, report

pagewalk, images, shots = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
shots.mkdir(parents=True, exist_ok=True)
work = Path(tempfile.mkdtemp())
views = ["story", "space", "tables", "tlb", "walks", "frames", "events"]


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def check_views(browser, name):
    """Each view shows something, has a text for those who don't see it, and breaks nothing."""
    for view in views:
        browser.tab(view)
        check(len(browser.text("#" + view)) > 40, f"{view} shows something")
        browser.shot(f"{name}-{view}")
    check(browser.script("return [...document.querySelectorAll('canvas')].every((one) => one.getAttribute('aria-label'))"),
          "every picture has a text alternative")
    check(browser.script("return [...document.querySelectorAll('button')].every((one) => one.textContent || one.title)"),
          "every button has a name")
    check(browser.errors() == [], f"no errors: {browser.errors()}")


def stale_report():
    address = report(pagewalk, images / "stale.elf", work / "stale.html", "--memory", "64M", "--moments", "24")
    browser = Browser(shots, offline=True)
    try:
        seconds = browser.open(address)
        check(seconds < 5, f"it is drawn in {seconds:.1f} s")
        check(browser.script("return state.tab") == "story", "the stale story comes first")
        check(len(browser.all(".story")) == 4, "four stories")
        check("no INVLPG" in browser.text(".story"), "what was missing")
        check(len(browser.all("#right .warn")) > 0, "the selection is stale at the use")
        check_views(browser, "stale")
        # Links: an entry of the TLB selects its page everywhere.
        browser.tab("tlb")
        browser.script("document.querySelector('#tlb .way.stale').click()")
        check(browser.script("return state.selected.linear") == 0x40000000, "the stale entry's page is selected")
        browser.tab("tables")
        check("PDE[0], PTE[0]" in browser.text("#tables .path"), "the tables follow")
        check(browser.script("return document.querySelectorAll('#tables .cell.on').length") == 2, "an entry is marked in each table")
        check("SDM 3A, table 4-11" in browser.text("#entry"), "the manual's section")
        browser.script("[...document.querySelectorAll('#entry button')].pop().click()")
        browser.wait(lambda: len(browser.all("#entry .pick")) > 0, "who wrote the entry")
        # The slider, and the moments before and behind.
        before = browser.cycle()
        browser.keys(",")
        browser.wait(lambda: browser.cycle() < before, "the moment before")
        browser.script("const s = document.getElementById('slider'); s.value = s.max; s.dispatchEvent(new Event('change'))")
        browser.wait(lambda: browser.cycle() == browser.script("return state.moment.newest"), "the last moment")
        check("4. " in browser.text("#console") or len(browser.text("#console")) > 200, "the console up to here")
        # The keyboard: tabs, and a page in the address space.
        browser.keys("2")
        check(browser.script("return state.tab") == "space", "2 is the address space")
        browser.script("document.querySelector('#space canvas').focus(); select(0x40000000)")
        browser.one("#space canvas").send_keys("\ue014")
        check(browser.script("return state.selected.linear") == 0x40001000, "an arrow goes a page on")
        browser.script("find('edit_pte')")
        browser.wait(lambda: browser.script("return state.selected.linear") == browser.script("return parseHex(source.data.symbols.find((one) => one.name === 'edit_pte').linear)"), "a symbol is found")
        # The time line's window.
        browser.script("timeView.zoom(0.1)")
        browser.wait(lambda: browser.script("return state.window && state.window.to - state.window.from < 200000"), "less time")
        check(browser.errors() == [], f"no errors: {browser.errors()}")
        pdf = browser.driver.print_page()
        check(len(pdf) > 20000, "it can be printed")
    finally:
        browser.close()


def dark_report():
    browser = Browser(shots, dark=True, offline=True)
    try:
        browser.open("file://" + str(work / "stale.html"))
        check(browser.script("return getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 27)", "dark")
        check_views(browser, "dark")
    finally:
        browser.close()


def tour_live():
    session = Session(pagewalk, "--memory", "128M", str(images / "vmalloc-tour.elf"))
    browser = Browser(shots)
    try:
        browser.open(session.address)
        check(browser.cycle() == 0, "before the first instruction")
        browser.keys("w")
        first = browser.wait(lambda: browser.cycle(), "the first walk")
        browser.keys("w")
        second = browser.wait(lambda: browser.cycle() > first and browser.cycle(), "the next walk")
        browser.keys("W")
        browser.wait(lambda: browser.cycle() == first, "back to the first")
        browser.keys(".")
        browser.wait(lambda: browser.cycle() > first, "an instruction on")
        # The shell drives the same session.
        session.say(f"goto {second}")
        browser.wait(lambda: browser.cycle() == second, "the page follows the shell")
        browser.script("document.getElementById('run').click()")
        browser.wait(lambda: browser.script("return state.moment.ended !== null && !state.busy"), "the guest has ended", 300)
        check("PASS" in browser.text("#console"), "the console up to the end")
        check_views(browser, "tour")
        # In the middle of the tour there are areas of vmalloc.
        cycles = browser.script("""
            return source.events(0, state.moment.newest, ["store"], 4000, true).then((all) =>
              [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9].map((share) => all.rows[Math.floor(all.rows.length * share)][1] + 1))""")
        for cycle in cycles:
            browser.script("goTo(arguments[0])", cycle)
            browser.wait(lambda: browser.script("return !state.busy") and cycle <= browser.cycle() < cycle + 1000, "back in the middle", 120)
            if "vmalloc" in browser.script("return state.moment.ranges.map((one) => one.kind).join()"):
                break
        check("vmalloc" in browser.script("return state.moment.ranges.map((one) => one.kind).join()"), "vmalloc areas")
        browser.tab("space")
        browser.script("select(state.moment.ranges.find((one) => one.kind === 'vmalloc').from)")
        check("guard" in browser.script("return state.moment.ranges.map((one) => one.kind).join()"), "guard pages")
        time.sleep(0.5)
        browser.shot("tour-middle-space")
        browser.tab("frames")
        time.sleep(0.5)
        browser.shot("tour-middle-frames")
        browser.tab("tables")
        browser.script("[...document.querySelectorAll('#entry button')].pop().click()")
        browser.wait(lambda: len(browser.all("#entry .pick")) > 0, "who wrote the entry, by the shell's 'who'", 120)
        browser.shot("tour-middle-tables")
        check(browser.errors() == [], f"no errors: {browser.errors()}")
    finally:
        browser.close()
        session.close()


def hostile_guest():
    file = work / "hostile.elf"
    file.write_bytes(hostile.image())
    browser = Browser(shots)
    try:
        browser.open(report(pagewalk, file, work / "hostile.html", "--memory", "16M", "--moments", "4"))
        browser.script("const s = document.getElementById('slider'); s.value = s.max; s.dispatchEvent(new Event('change'))")
        browser.wait(lambda: hostile.TEXT in browser.text("#console"), "the console is text")
        check(hostile.NAME in browser.script("return JSON.stringify(source.data.symbols)"), "the symbol is text")
        check_views(browser, "hostile")
        check(browser.script("return window.broken") is None, "nothing of the guest's was executed")
        check(len(browser.all("img")) == 0, "nothing of the guest's is an element")
    finally:
        browser.close()
    session = Session(pagewalk, "--memory", "16M", str(file))
    browser = Browser(shots)
    try:
        browser.open(session.address)
        session.say("continue")
        browser.wait(lambda: hostile.TEXT in browser.text("#console"), "the console is text")
        check(hostile.NAME in browser.text("#right"), "the symbol is text")
        check(browser.script("return window.broken") is None and len(browser.all("img")) == 0, "nothing was executed")
    finally:
        browser.close()
        session.close()


failures = 0
for test in [stale_report, dark_report, tour_live, hostile_guest]:
    start = time.time()
    try:
        test()
        print(f"ok      {test.__name__} ({time.time() - start:.0f} s)", flush=True)
    except Exception as error:
        failures += 1
        print(f"FAILED  {test.__name__}: {error}", flush=True)
        traceback.print_exc()
sys.exit(1 if failures else 0)
