import Foundation
import GuestImages
import Reports
import Testing

/// `inspect`, and files that are started in other ways than by Multiboot, as people run them.
@Suite("Inspecting and starting images")
struct InspectTests {
  private func with<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
    let file = try CommandLineTests().temporaryFile(bytes)
    defer { try? FileManager.default.removeItem(at: file) }
    return try body(file.path)
  }

  /// mov dx, 3F8h; mov al, 'K'; out dx, al; mov al, 7; out 0F4h, al; hlt
  private static let code: [UInt8] = [
    0x66, 0xBA, 0xF8, 0x03, 0xB0, 0x4B, 0xEE, 0xB0, 0x07, 0xE6, 0xF4, 0xF4,
  ]

  @Test func aFlatBinaryRunsWhereItIsToldTo() throws {
    try with(Self.code) { path in
      let arguments = ["run", "--memory", "4M", "--load-address"]
      let result = try CommandLineTests().pagewalk(arguments + ["0x7c00", path])
      #expect(result.status == 7 && result.output == "K")
      #expect(
        result.error.hasPrefix(
          "pagewalk: \(path): flat binary with EAX and EBX 0; 1 segment at 00007c00-00007c0b, entry 00007c00\n"
        ))
      for (address, problem) in [
        ("7c0g", "the load address '7c0g' is not a physical address below 4 GiB; expected such as 0x100000"),
        ("a0000", "covers 0x9fc00-0xfffff, which is reserved"),
      ] {
        let refused = try CommandLineTests().pagewalk(arguments + [address, path])
        #expect(refused.status == 2 && refused.error.contains(problem), "\(refused.error)")
      }
      let both = try CommandLineTests().pagewalk(arguments + ["7c00", "--protocol", "linux", path])
      #expect(both.status == 2 && both.error.contains("--load-address goes with no --protocol"))
    }
  }

  @Test func aFlatBinaryIsTracedAndVerified() throws {
    try with(Self.code) { path in
      let trace = path + ".trace"
      defer { try? FileManager.default.removeItem(atPath: trace) }
      let recorded = try CommandLineTests().pagewalk([
        "trace", "record", "-e", "port", "--memory", "4M", "--load-address", "7c00", path, "-o", trace,
      ])
      #expect(recorded.status == 0, "\(recorded.error)")
      #expect(try CommandLineTests().pagewalk(["trace", "verify", trace]).status == 0)
    }
  }

  @Test func anImageIsInspectedInWordsAndJSON() throws {
    try with(GuestRunTests.image(Self.code)) { path in
      let words = try CommandLineTests().pagewalk("inspect", path)
      #expect(words.status == 0)
      #expect(
        words.output == """
          \(path): flat binary, 44 bytes
          started as Multiboot, its header at offset 0 with load addresses; 1 segment at 00100000-00103fff, entry 00100020

          segments
            physical   virtual    size  in file  rights
            000100000  00100000  16384       44  rwx

          nothing odd

          """)
      let json = try CommandLineTests().pagewalk("inspect", "--json", path)
      let object = try #require(
        JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
      #expect(object["protocol"] as? String == "multiboot" && object["entry"] as? String == "0x00100020")
      #expect((object["odd"] as? [String]) == [])
    }
    let refused = try with(Array("text".utf8)) { try CommandLineTests().pagewalk("inspect", $0) }
    #expect(refused.status == 2 && refused.error.contains("not an ELF file"))
  }

  /// An ELF file without sections: header, one program header, 16 bytes at an address, entered at another.
  private static func elf(physical: UInt32, virtual: UInt32, entry: UInt32, flags: UInt32) -> [UInt8] {
    let words: [UInt32] = [
      0x464C_457F, 0x0001_0101, 0, 0, 0x0003_0002, 1, entry, 52, 0, 0, 0x0020_0034, 0x0028_0001, 0,
      1, 84, virtual, physical, 16, 16, flags, 4,
    ]
    return words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
      + [UInt8](repeating: 0xF4, count: 16)
  }

  @Test func whatIsOddIsSaid() throws {
    func odd(_ bytes: [UInt8]) throws -> [String] {
      ImageOddities(try GuestImage(file: "k", bytes: bytes)).sentences
    }
    #expect(try odd(Self.elf(physical: 0x10_0000, virtual: 0x10_0000, entry: 0x10_0000, flags: 5)) == [])
    #expect(
      try odd(Self.elf(physical: 0x400, virtual: 0xC000_0000, entry: 0xC000_0004, flags: 7)) == [
        "its entry point c0000004 is a linear address; it begins at physical 00000404",
        "segment 0 is writable and executable",
        "segment 0 lies over the interrupt vectors or the BIOS data area",
      ])
    #expect(
      try odd(Self.elf(physical: 0x9_FFF0, virtual: 0x9_FFF0, entry: 0x9_FFF0, flags: 6)) == [
        "its entry point is in segment 0, which is not executable",
        "segment 0 reaches into 0009fc00-000fffff, which is no RAM of a PC",
      ])
  }
}
