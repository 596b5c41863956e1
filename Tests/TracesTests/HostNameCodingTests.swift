import HostFiles
import Reports
import Testing

@Suite("Host names as text")
struct HostNameCodingTests {
  @Test func everyNameComesBack() {
    let names: [[UInt8]] = [
      [], Array("äöü.elf".utf8), [0xFF], [0x63, 0xE9, 0x2E, 0x65], [0xC3], [0xC3, 0x28], [0xED, 0xA0, 0x80],
      [0xF4, 0x8F, 0xBF, 0xBF], [0xF4, 0x8F, 0xBE, 0x80, 0xFF], [0xF4, 0x90, 0x80, 0x80], Array(1...255),
    ]
    for name in names { #expect(HostName.bytes(HostName.string(name)) == name) }
    #expect(HostName.string(Array("a b".utf8)) == "a b")
  }

  @Test func terminalsSeeNoneOfThemRaw() {
    let text = HostName.string([0x61, 0xFF, 0x1B, 0x7F, 0xC2, 0x9B]) + "\u{202e}"
    #expect(PlainText.of(text) == #"a\xff\x1b\x7f\x9b\u{202e}"#)
    #expect(JSONText.quote(text) == #""a\\xff\u001b\u007f\u009b\u202e""#)
  }
}
