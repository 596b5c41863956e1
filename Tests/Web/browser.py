"""Chromium without a window, and pages in it."""

import re
import subprocess
import threading
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By


class Browser:
    def __init__(self, shots, dark=False, offline=False):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars",
                         "--window-size=1500,1050"]:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        if offline:
            self.driver.execute_cdp_cmd("Network.enable", {})
            self.driver.execute_cdp_cmd("Network.emulateNetworkConditions",
                                        {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0})
        self.shots = shots

    def open(self, address):
        """Opens a page and gives the seconds until it is drawn."""
        start = time.time()
        self.driver.get(address)
        self.wait(lambda: "ready" in self.script("return document.body.className"), "the page is drawn")
        return time.time() - start

    def wait(self, condition, what, seconds=60):
        end = time.time() + seconds
        while time.time() < end:
            try:
                value = condition()
                if value:
                    return value
            except Exception:  # The page is being drawn anew.
                pass
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s: {what}; errors: {self.errors()}")

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.script("const node = document.querySelector(arguments[0]); return node ? node.textContent : ''", selector)

    def tab(self, name):
        self.script("document.querySelector(`[aria-controls=\"${arguments[0]}\"]`).click()", name)
        self.wait(lambda: not self.script("return document.getElementById(arguments[0]).hidden", name), f"view {name}")
        time.sleep(0.3)

    def keys(self, text):
        self.script("document.activeElement.blur()")
        self.one("body").send_keys(text)

    def cycle(self):
        return self.script("return state.moment.cycle")

    def shot(self, name):
        self.driver.save_screenshot(str(self.shots / (name + ".png")))

    def errors(self):
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def close(self):
        self.driver.quit()


class Session:
    """`pagewalk debug --web` with a shell that lines are given to."""

    def __init__(self, pagewalk, *arguments):
        self.process = subprocess.Popen([pagewalk, "debug", "--web", *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.address = None
        self.output = []
        while self.address is None:
            line = self.process.stderr.readline()
            if not line:
                raise AssertionError("no address was printed")
            found = re.search(r"http://\S+", line)
            self.address = found and found.group(0)
        for stream in [self.process.stdout, self.process.stderr]:
            threading.Thread(target=self.read, args=[stream], daemon=True).start()

    def read(self, stream):
        for line in stream:
            self.output.append(line)

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def close(self):
        self.say("quit")
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


def report(pagewalk, image, file, *arguments):
    subprocess.run([pagewalk, "report", *arguments, str(image), "-o", str(file)], check=True, stderr=subprocess.DEVNULL)
    return "file://" + str(Path(file).resolve())
