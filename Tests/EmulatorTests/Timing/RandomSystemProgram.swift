import IA32
import TestSupport

@testable import Emulator

/// A program made from a seed that does, in random order and at random places, all that the fast paths have an opinion on:
/// accesses to many pages of every kind, faults, interrupts, strings, stores into code, TLB and cache control, devices.
/// It ends with HLT and interrupts off.
struct RandomSystemProgram {
  private static let counter: UInt32 = 0xa000
  private static let ticks: UInt32 = 0xa010
  private static let handlers: UInt32 = 0x3000
  /// Linear pages of 2 MiB: directory entries 2 and 3. The pages of 4 KiB with odd properties lie above them.
  private static let largeData: UInt32 = 4 << 20
  private static let data: UInt32 = 8 << 20

  private var code = CodeBuilder(at: BareMachine.code)
  private var random: SeededGenerator
  private let seed: UInt64

  init(seed: UInt64) {
    self.seed = seed
    random = SeededGenerator(seed: seed)
  }

  /// The same machine for the same seed, ready to run.
  static func machine(seed: UInt64, _ timing: TimingLevel, fast: Bool = true) throws -> BareMachine {
    var program = RandomSystemProgram(seed: seed)
    return try program.build(timing, fast: fast)
  }

  private mutating func build(_ timing: TimingLevel, fast: Bool) throws -> BareMachine {
    let bare = try BareMachine(timing, fast: fast)
    bare.mapIdentity(largeFrom: 2, to: 4)
    for page in 0..<1024 as Range<UInt32> {
      let frame = UInt64((Self.data >> 12) + random.below(1024)) << 12
      // Present or not, writable or not, A and D set or not, PCD, G.
      var bits: UInt64 = random.oneIn(8) ? 0 : 1
      bits |= random.oneIn(6) ? 0 : 2
      bits |= UInt64(random.below(4)) << 5
      if random.oneIn(8) { bits |= 0x10 }
      if random.oneIn(4) { bits |= 0x100 }
      bare.setPage(Self.data >> 12 + page, frame | bits)
    }
    // A device's page.
    bare.setPage(0xfff, DemonstrationDevice.addressBelow4GiB | 0x7b)
    try writeHandlers(bare)
    writeProlog()
    let loop = code.here
    for _ in 0..<120 { emitPiece() }
    code.emit(0xff, 0x0d, word: Self.counter)  // dec dword [counter]
    code.branch(0x0f, 0x85, to: loop)  // jnz
    code.emit(0xfa, 0xf4)  // cli; hlt
    try bare.poke(code.base, code.bytes)
    try bare.turnPagingOn()
    return bare
  }

  // MARK: Around it

  private func writeHandlers(_ bare: BareMachine) throws {
    var handler = CodeBuilder(at: Self.handlers)
    // #PF: gives the page P, W and U, and tries again.
    bare.setGate(14, handler.here)
    handler.emit(0x50, 0x0f, 0x20, 0xd0, 0xc1, 0xe8, 12)  // push eax; mov eax, cr2; shr eax, 12
    handler.emit(0x83, 0x0c, 0xc5, word: BareMachine.tables)  // or dword [tables + 8 eax], 7
    handler.emit(0x07, 0x58, 0x83, 0xc4, 4, 0xcf)  // pop eax; add esp, 4; iret
    // #DE and #UD: skip the two bytes.
    for vector in [0, 6] as [UInt32] {
      bare.setGate(vector, handler.here)
      handler.emit(0x83, 0x04, 0x24, 2, 0xcf)  // add dword [esp], 2; iret
    }
    // The timer.
    handler.pad(to: handler.here + 29)
    bare.setGate(0x20, handler.here)
    handler.emit(0x50, 0xff, 0x05, word: Self.ticks)  // push eax; inc dword [ticks]
    handler.out(0x20, 0x20)
    handler.emit(0x58, 0xcf)
    // INT 30h.
    bare.setGate(0x30, handler.here)
    handler.emit(0xcf)
    try bare.poke(handler.base, handler.bytes)
  }

  private mutating func writeProlog() {
    for (port, value) in [(0x20, 0x11), (0x21, 0x20), (0x21, 4), (0x21, 1), (0x21, 0xfe)] as [(UInt8, UInt8)]
    {
      code.out(port, value)
    }
    // Counter 0, mode 2: an interrupt every few thousand cycles.
    code.out(0x43, 0x34)
    code.out(0x40, UInt8(16 + random.below(60)))
    code.out(0x40, 0)
    code.emit(0xc7, 0x05, word: Self.counter)
    code.word(6)
    code.emit(0xbd, word: random.below(.max))  // mov ebp, seed
    code.emit(0xfb)  // sti
  }

  // MARK: Pieces

  /// The next pseudo-random number in EBP, and an address from it in ESI or EDI (6, 7), below 12 MiB of data.
  private mutating func randomAddress(_ register: UInt8) {
    code.emit(0x69, 0xed, word: 1_664_525)  // imul ebp, ebp, 1664525
    code.emit(0x81, 0xc5, word: 1_013_904_223)  // add ebp, 1013904223
    code.emit(0x89, 0xe8 | register)  // mov register, ebp
    code.emit(0xc1, 0xe8 | register, 9)  // shr register, 9
    // Large pages, a few 4K pages that share sets, or all of them.
    let (mask, offset): (UInt32, UInt32) =
      switch random.below(4) {
      case 0: (0x3f_ffff, Self.largeData)
      case 1: (0x1_0fff, Self.data + random.below(64) << 12)
      case 2: (0x3_ffff, Self.data)
      default: (0x3f_efff, Self.data)
      }
    code.emit(0x81, 0xe0 | register, word: mask)  // and register, mask
    code.emit(0x81, 0xc0 | register, word: offset)  // add register, offset
  }

  private mutating func emitPiece() {
    switch random.below(24) {
    case 0...3: accesses()
    case 4, 5: sums()
    case 6, 7: string()
    case 8: selfModification()
    case 9: loop()
    case 10: calls()
    case 11:
      // jcc over a few instructions, by a bit of EBP
      code.emit(0xf7, 0xc5, word: 1 << random.below(32))  // test ebp, bit
      code.emit(0x74 | UInt8(random.below(2)), 7, 0x90, 0x90, 0x40, 0x89, 0xc1, 0x41, 0x90)
    case 12:
      randomAddress(6)
      code.emit(0x0f, 0x01, 0x3e)  // invlpg [esi]
    case 13: code.emit(0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8)  // mov eax, cr3; mov cr3, eax
    case 14: privileged()
    case 15: device()
    case 16: locked()
    case 17:
      code.emit(0x31, 0xc0, 0x31, 0xd2, 0xf7, 0xf1 | UInt8(random.below(2) * 2))  // xor; xor; div ecx or ebx
    case 18: code.emit(0x0f, 0x0b)  // ud2
    case 19: code.emit(0xcd, 0x30)  // int 30h
    case 20: code.emit(0x60, 0x9c, 0x9d, 0x61)  // pusha; pushf; popf; popa
    case 21: code.emit([UInt8](repeating: 0x90, count: Int(random.below(40))))
    case 22:
      code.emit(0x1e, 0x1f, 0x8c, 0xd8, 0x8e, 0xc0)  // push ds; pop ds; mov eax, ds; mov es, eax
    default:
      // A prefixed, long instruction: mov dword fs:[address], imm32
      code.emit(0x64, 0xc7, 0x05, word: Self.largeData + random.below(1 << 20))
      code.word(random.below(.max))
    }
  }

  private mutating func accesses() {
    for _ in 0..<1 + random.below(6) {
      randomAddress(random.oneIn(2) ? 6 : 7)
      let register = UInt8(6 + random.below(2))
      // ESI and EDI hold addresses of data, whichever was made last.
      switch random.below(12) {
      case 0, 1: code.emit(0x8b, register)  // mov eax, [r]
      case 2, 3: code.emit(0x89, 0x08 | register)  // mov [r], ecx
      case 4: code.emit(0x88, register)  // mov [r], al
      case 5: code.emit(0x0f, 0xb6, 0x18 | register)  // movzx ebx, byte [r]
      case 6: code.emit(0x01, 0x10 | register)  // add [r], edx
      case 7: code.emit(0xff, register)  // inc dword [r]
      case 8: code.emit(0xff, 0x30 | register, 0x58)  // push dword [r]; pop eax
      case 9: code.emit(0x66, 0x89, register)  // mov [r], ax
      case 10: code.emit(0x66, 0x01, register)  // add [r], ax: a general handler
      default: code.emit(0x8f, register, 0x50)  // pop dword [r]; push eax
      }
    }
  }

  private mutating func sums() {
    for _ in 0..<1 + random.below(20) {
      switch random.below(6) {
      case 0: code.emit(0x01, 0xc8)  // add eax, ecx
      case 1: code.emit(0x8d, 0x44, 0x8b, UInt8(random.below(128)))  // lea eax, [ebx + 4 ecx + n]
      case 2: code.emit(0x0f, 0xaf, 0xc3)  // imul eax, ebx
      case 3: code.emit(0x05, word: random.below(.max))  // add eax, n
      case 4: code.emit(0xc1, 0xc0, UInt8(random.below(32)))  // rol eax, n
      default: code.emit(0x89, 0xc3)  // mov ebx, eax
      }
    }
  }

  private mutating func string() {
    randomAddress(6)
    randomAddress(7)
    if random.oneIn(4) {
      // Overlapping, a few bytes apart.
      code.emit(0x8d, 0x7e, UInt8(random.below(80)))  // lea edi, [esi + n]
    }
    if random.oneIn(3) { code.emit(0x83, 0xe6, 0xfc, 0x83, 0xe7, 0xfc) }  // and esi, -4; and edi, -4
    code.emit(0xb9, word: random.below(random.oneIn(3) ? 5000 : 100))  // mov ecx, n
    let backwards = random.oneIn(6)
    if backwards { code.emit(0xfd) }
    let width: [UInt8] = [[], [0x66], []][Int(random.below(3))]
    let byte: UInt8 = width.isEmpty && random.oneIn(3) ? 0 : 1
    let operation: [UInt8] = [0xa4, 0xaa, 0xac, 0xa6, 0xae, 0xa4, 0xaa]
    code.emit(width + [random.oneIn(5) ? 0xf2 : 0xf3, operation[Int(random.below(7))] | byte])
    if backwards { code.emit(0xfc) }
  }

  /// A store to the immediate operand of one of the instructions that follow, which may lie in the same block and line.
  private mutating func selfModification() {
    let distance = random.below(30)
    code.emit(0xc6, 0x05, word: code.here + 7 + distance + 1)  // mov byte [place], n
    code.emit(UInt8(random.below(256)))
    code.emit([UInt8](repeating: 0x90, count: Int(distance)))
    code.emit(0xb8, word: 1)  // mov eax, n
  }

  private mutating func loop() {
    code.emit(0xba, word: 1 + random.below(12))  // mov edx, n
    let start = code.here
    sums()
    // mov ebx, [address]
    if random.oneIn(2) { code.emit(0x8b, 0x1d, word: Self.largeData + random.below(1 << 21)) }
    code.emit(0x4a)  // dec edx
    code.branch(0x0f, 0x85, to: start)
  }

  private mutating func calls() {
    // call over a function that stands here, and through a register.
    code.emit(0xeb, 4)  // jmp past it
    let function = code.here
    code.emit(0x40, 0xc3, 0x90, 0x90)  // inc eax; ret
    code.branch(0xe8, to: function)
    code.emit(0xbb, word: function)  // mov ebx, function
    code.emit(0xff, 0xd3)  // call ebx
    code.emit(0xbb, word: code.here + 7)
    code.emit(0xff, 0xe3)  // jmp ebx
  }

  private mutating func privileged() {
    switch random.below(5) {
    case 0: code.emit(0x0f, 0x09)  // wbinvd
    case 1:
      // CR0.CD on for a few accesses.
      code.emit(0x0f, 0x20, 0xc0, 0x0d, word: 1 << 30)
      code.emit(0x0f, 0x22, 0xc0)
      accesses()
      code.emit(0x0f, 0x20, 0xc0, 0x25, word: ~(1 << 30))
      code.emit(0x0f, 0x22, 0xc0)
    case 2: code.emit(0xfa, 0x90, 0x90, 0xfb, 0x90)  // cli; nop; nop; sti; nop
    case 3: code.emit(0x0f, 0x31, 0x0f, 0xa2)  // rdtsc; cpuid
    default:
      // Paging structures change under the TLB's feet: a page loses its D and A, one is no longer present.
      let page = Self.data >> 12 + random.below(64)
      code.emit(0x83, 0x25, word: BareMachine.tables + 8 * page)  // and dword [PTE], n
      code.emit(random.oneIn(2) ? 0x9f : 0xfe)
    }
  }

  private mutating func locked() {
    randomAddress(6)
    code.emit(0xf0, 0x0f, 0xc1, 0x06)  // lock xadd [esi], eax
    code.emit(0x87, 0x0e)  // xchg [esi], ecx
    code.emit(0xf0, 0xff, 0x06)  // lock inc dword [esi]
    code.emit(0x0f, 0xb1, 0x16)  // cmpxchg [esi], edx
    code.emit(0xf0, 0x0f, 0xba, 0x2e, 5)  // lock bts dword [esi], 5
  }

  private mutating func device() {
    switch random.below(4) {
    case 0: code.emit(0xa1, word: 0xff_f000 + 4 * random.below(12))  // mov eax, [register]
    case 1: code.emit(0xe4, 0x61)  // in al, 61h
    case 2: code.out(0x80, UInt8(random.below(256)))
    default:
      // a character to the serial port
      code.emit(0x66, 0xba, 0xf8, 0x03, 0xb0, UInt8(0x20 + random.below(90)), 0xee)
    }
  }
}
