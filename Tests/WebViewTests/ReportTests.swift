import Debugger
import Foundation
import GuestImages
import Reports
import Testing

@testable import WebView

@Suite("Reports")
struct ReportTests {
  @Test("A report has every view's data, and nothing in it ends its script element")
  func document() throws {
    let guest = try WebGuest("stale")
    try guest.session.run()
    let report = try RunReport(guest.source, moments: 8)
    let data = try WebGuest.read(report.json)
    #expect(list(data, "moments").count <= 8 && list(data, "moments").count > 4)
    for name in ["about", "status", "stale", "walks", "timeline", "events", "misses", "console", "symbols"] {
      #expect(at(data, name) != nil, "\(name)")
    }
    #expect(at(data, "events", "complete") as? Bool == true)
    let moment = at(data, "moments", 0)
    #expect(at(moment, "frames") != nil && at(moment, "walks") != nil)
    let text = list(data, "console").map { string($0, 1) ?? "" }.joined()
    #expect(text.contains("1. A page-table entry, edited without INVLPG"))
    let page = String(decoding: WebPageText.report(report.json).bytes, as: UTF8.self)
    #expect(
      !page.contains("@DATA@") && !page.contains("@PROGRAM@") && !page.contains("http://")
        || page.contains("www.w3.org"))
  }

  @Test("What a guest calls its symbols never becomes HTML")
  func escaping() throws {
    let hostile = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>&"
    let page = String(
      decoding: WebPageText.report(.object([.init(hostile, .string(hostile))])).bytes, as: UTF8.self)
    let plain = String(decoding: WebPageText.report(.object([])).bytes, as: UTF8.self)
    func count(_ part: String, _ text: String) -> Int { text.components(separatedBy: part).count }
    for part in ["<script", "</script", "<!--", "<img", "onerror=alert(2)>"] {
      #expect(count(part, page) == count(part, plain), "\(part)")
    }
    let start = try #require(page.range(of: #"id="data">"#))
    let end = try #require(page[start.upperBound...].range(of: "</script>"))
    let object = try JSONSerialization.jsonObject(with: Data(page[start.upperBound..<end.lowerBound].utf8))
    #expect((object as? [String: String]) == [hostile: hostile])
  }

  @Test("An image can't put other files than sources into a report")
  func sources() throws {
    let guest = try WebGuest("stale")
    guest.session.readSource = { [$0] }
    for name in ["/etc/passwd", "/home/a/.ssh/id_rsa", "x.pem", "", ".", "c"] {
      #expect(guest.source.source(name) == nil, "\(name)")
    }
    #expect(guest.source.source("images/stale/stale.c") != nil)
  }

  @Test("The policy lets one program run, and no network be asked")
  func policy() {
    let policy = WebPageText.policy(program: Array("abc".utf8), isLive: false)
    // FIPS 180-4's example.
    #expect(policy.contains("script-src 'sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='"))
    #expect(policy.contains("connect-src 'none'") && policy.hasPrefix("default-src 'none'"))
    #expect(WebPageText.base64([0]) == "AA==" && WebPageText.base64([1, 2]) == "AQI=")
  }

  @Test("The page's program never parses text as HTML")
  func program() throws {
    let page = String(decoding: WebPageText.live.bytes, as: UTF8.self)
    for part in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"] {
      #expect(!page.contains(part), "\(part)")
    }
  }
}
