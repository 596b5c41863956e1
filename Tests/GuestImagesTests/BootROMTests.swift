import Foundation
import Testing

@testable import GuestImages

@Suite("Boot ROM")
struct BootROMTests {
  /// An address in the ROM's upper copy, as an offset into the image.
  func offset(_ address: UInt32) -> Int { Int(address) - Int(BootROM.base) }

  @Test func fillsTheLast64KiBBelow4GiB() {
    let image = BootROM.image()
    #expect(image.count == 0x10000)
    #expect(BootROM.size == image.count)
    #expect(BootROM.base + UInt64(image.count) == 1 << 32)
    #expect(BootROM.shadowBase + UInt64(image.count) == 1 << 20)
    #expect(image[..<0xE000].allSatisfy { $0 == 0xFF }, "only the last 8 KiB are used")
  }

  /// A near jump whose target, in 16 bits, is the first instruction: CLI.
  @Test func theResetVectorJumpsToTheCode() throws {
    let image = BootROM.image()
    #expect(image[0xFFF0] == 0xE9)
    let target = UInt16(truncatingIfNeeded: 0xFFF3 + UInt32(image[0xFFF1]) + UInt32(image[0xFFF2]) << 8)
    #expect(image[Int(target)] == 0xFA)
  }

  @Test func aDiskStartsAtTheServices() throws {
    let image = BootROM.diskImage
    #expect(image[0xFFF0] == 0xEA && image[0xFFF3] == 0x00 && image[0xFFF4] == 0xF0, "JMP F000:…")
    #expect(image[Int(image[0xFFF1]) | Int(image[0xFFF2]) << 8] == 0xFA)
    let vectors = BootROM.vectors
    #expect(vectors.count == 0x78 && vectors.allSatisfy { $0 >= 0xE000 && $0 < 0xFE00 })
    // IRET, where nobody waits for an interrupt.
    #expect(image[Int(vectors[0x60])] == 0xCF)
  }

  /// The object is linked into a host program: a constant left to its linker would show up here as a host address.
  @Test func everyAddressIsAConstantInTheROM() throws {
    let image = BootROM.image()
    // 66 0F 01 /2 with CS override: LGDT, 32-bit operand.
    let lgdt = try #require(
      (0xFE00..<0xFF00).first { Array(image[$0..<$0 + 5]) == [0x2E, 0x66, 0x0F, 0x01, 0x16] })
    let pointer = Int(image[lgdt + 5]) | Int(image[lgdt + 6]) << 8
    #expect(image[pointer] == 4 * 8 - 1)
    #expect(image[pointer + 1] == 0)
    let table = offset(image.get32(pointer + 2))
    #expect(image[table..<table + 16].allSatisfy { $0 == 0 })
    // Flat, 4 GiB, present, ring 0, and accessed already.
    #expect(Array(image[table + 16..<table + 24]) == [0xFF, 0xFF, 0, 0, 0, 0x9B, 0xCF, 0])
    #expect(Array(image[table + 24..<table + 32]) == [0xFF, 0xFF, 0, 0, 0, 0x93, 0xCF, 0])
    // 66 EA: far jump with a 32-bit offset, to selector 10h, right behind itself.
    let jump = try #require((0xFE00..<0xFF00).first { Array(image[$0..<$0 + 2]) == [0x66, 0xEA] })
    #expect(offset(image.get32(jump + 2)) == jump + 8)
    #expect(Array(image[jump + 6..<jump + 8]) == [0x10, 0])
  }

  @Test func theHandOverBlockIsFilledIn() {
    let empty = BootROM.image()
    #expect(String(decoding: empty[0xFF80..<0xFF88], as: UTF8.self) == "PAGEWALK")
    let halt = offset(empty.get32(0xFF88))
    #expect(Array(empty[halt..<halt + 2]) == [0xB0, 0xEE], "without a guest: POST code EEh")

    let image = BootROM.image(
      handover: .init(entry: 0x10_0020, eax: 0x2BAD_B002, ebx: 0x9000, esi: 0xFFFF_FFFF, esp: 0x8765_4321))
    #expect((0..<4).map { image.get32(0xFF88 + 4 * $0) } == [0x10_0020, 0x2BAD_B002, 0x9000, 0xFFFF_FFFF])
    let changed = image.indices.filter { image[$0] != empty[$0] }
    // The stack is in the code: mov esp, 87654321h.
    let stack = changed.filter { !(0xFF88..<0xFF98).contains($0) }
    #expect(stack.map { image[$0] } == [0x21, 0x43, 0x65, 0x87] && image[(stack.first ?? 1) - 1] == 0xBC)
  }

  static let qemu = "/usr/bin/qemu-system-i386"

  /// The ROM on somebody else's PC: a guest inside the ROM image reports what it finds through port E9h.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: qemu), "qemu-system-i386 is not installed"))
  func handsOverOnAnotherPC() throws {
    var image = BootROM.image(
      handover: .init(entry: 0xFFFF_1000, eax: 0x2BAD_B002, ebx: 0x1234_5678, esi: 0x9ABC_DEF0))
    // Four times: out E9h, al; shr eax, 8.
    let report: [UInt8] = (0..<4).flatMap { _ in [0xE6, 0xE9, 0xC1, 0xE8, 0x08] as [UInt8] }
    let code: [[UInt8]] = [
      report,
      [0x89, 0xD8], report,  // mov eax, ebx
      [0x89, 0xF0], report,  // mov eax, esi
      [0x0F, 0x20, 0xC0], report,  // mov eax, cr0
      [0x8C, 0xC8], report,  // mov eax, cs
      [0x8C, 0xD0], report,  // mov eax, ss
      [0x8C, 0xD9, 0x0F, 0x03, 0xC1], report,  // mov ecx, ds; lsl eax, ecx
      [0xBC, 0x00, 0x80, 0x00, 0x00, 0x9C, 0x58], report,  // mov esp, 8000h; pushf; pop eax
      [0x31, 0xC0, 0xE4, 0x92], report,  // xor eax, eax; in al, 92h
      [0xE4, 0x21], report,  // in al, 21h
      [0xE4, 0xA1], report,  // in al, A1h
      [0xB0, 0x10, 0xE6, 0xF4, 0xF4],  // mov al, 10h; out F4h, al; hlt
    ]
    let bytes = code.flatMap(\.self)
    image.replaceSubrange(0x1000..<0x1000 + bytes.count, with: bytes)

    let folder = FileManager.default.temporaryDirectory.appending(path: "pagewalk-rom-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let rom = folder.appending(path: "rom.bin")
    try Data(image).write(to: rom)

    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/timeout")
    process.arguments = [
      "30", Self.qemu, "-accel", "tcg", "-display", "none", "-monitor", "none", "-serial", "null",
      "-no-reboot",
      "-bios", rom.path, "-debugcon", "file:\(folder.path)/out", "-device", "isa-debug-exit,iobase=0xf4",
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0x10 << 1 | 1)
    let out = [UInt8](try Data(contentsOf: folder.appending(path: "out")))
    try #require(out.count == 11 * 4)
    let words = (0..<11).map { out.get32(4 * $0) }
    #expect(words[0] == 0x2BAD_B002)
    #expect(words[1] == 0x1234_5678)
    #expect(words[2] == 0x9ABC_DEF0)
    #expect(words[3] & 0x8000_0001 == 1, "CR0: PE set, PG clear")
    #expect(words[4] == 0x10)
    #expect(words[5] == 0x18)
    #expect(words[6] == 0xFFFF_FFFF, "segment limit")
    #expect(words[7] & (1 << 17 | 1 << 10 | 1 << 9 | 1 << 8) == 0, "EFLAGS: VM, DF, IF, TF clear")
    #expect(words[8] & 3 == 2, "A20 open")
    #expect((words[9], words[10]) == (0xFF, 0xFF), "interrupt masks")
  }
}
