import Testing

@testable import IA32

/// What objdump doesn't show: symbols, and text where nothing of the encoding is left to print.
@Suite struct DisassemblerTests {
  private func text(
    _ bytes: [UInt8], at address: UInt32 = 0x1000, _ mode: DecodeMode = .bits32,
    symbol: ((UInt32) -> String?)? = nil
  ) -> String? {
    guard case .instruction(let instruction) = bytes.withUnsafeBytes({ Decoder.decode($0, mode: mode) })
    else {
      return nil
    }
    return Disassembler.text(instruction, at: address, symbol: symbol)
  }

  @Test func branchTargetsAreNamed() {
    let call: [UInt8] = [0xE8, 0xFB, 0x0F, 0x00, 0x00]
    #expect(text(call) == "call   0x2000")
    #expect(text(call) { $0 == 0x2000 ? "kmain" : nil } == "call   0x2000 <kmain>")
    #expect(text(call) { _ in nil } == "call   0x2000")
    #expect(text([0xEB, 0xFE], at: 0xFFFF_FFFF) == "jmp    0xffffffff")
    #expect(text([0xEB, 0x00], at: 0xFFFF_FFFE) == "jmp    0x0")
    #expect(text([0xEB, 0x00], at: 0xFFFE, .bits16) == "jmp    0x0")
    #expect(text([0x66, 0xE9, 0x00, 0x00], at: 0x1_2340) == "jmpw   0x2344")
  }

  @Test(
    arguments: [
      ([0x55], "push   ebp"),
      ([0xC3], "ret"),
      ([0x8B, 0x45, 0x00], "mov    eax,DWORD PTR [ebp]"),
      ([0x8D, 0x74, 0x26, 0x00], "lea    esi,[esi]"),
      ([0x65, 0x8B, 0x84, 0x8B, 0xFC, 0xFF, 0xFF, 0xFF], "mov    eax,DWORD PTR gs:[ebx+ecx*4-0x4]"),
      ([0xF0, 0x0F, 0xC7, 0x0E], "lock cmpxchg8b QWORD PTR [esi]"),
      ([0xF3, 0xA4], "rep movs BYTE PTR es:[edi],BYTE PTR ds:[esi]"),
      ([0xF2, 0xAE], "repnz scas al,BYTE PTR es:[edi]"),
      ([0xF3, 0x89, 0xC3], "mov    ebx,eax"),
      ([0x0F, 0x01, 0x38], "invlpg BYTE PTR [eax]"),
      ([0x0F, 0x22, 0xD8], "mov    cr3,eax"),
      ([0xD6], "salc"),
    ] as [([UInt8], String)])
  func lines(bytes: [UInt8], expected: String) {
    #expect(text(bytes) == expected)
  }
}
