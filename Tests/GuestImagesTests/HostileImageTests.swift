import TestSupport
import Testing

@testable import GuestImages

/// Damaged files either boot or are refused with a sentence; the process survives, and no plan leaves RAM.
@Suite("Hostile images")
struct HostileImageTests {
  /// Seed files: an ELF with Multiboot, one without, one stripped, one with load addresses, one for each other protocol.
  static let seeds: [[UInt8]] = {
    var stripped = ELFBuilder.sample(multibootFlags: 1)
    stripped.stripped = true
    var kludge = ELFBuilder.sample(multibootFlags: 0x1_0003)
    let headerOffset = 52 + 64
    for (index, value) in [UInt32(0x10_0000) + 0, 0x10_0000, 0, 0x10_8000, 0x10_0020].enumerated() {
      kludge.segments[0].bytes.set32(12 + 4 * index, value)
    }
    precondition(kludge.build().get32(headerOffset) == 0x1BAD_B002)
    var second = ELFBuilder.sample()
    second.segments[0].bytes =
      [UInt8](repeating: 0, count: 4)
      + Multiboot2Tests.header([(1, false, [4, 6]), (10, true, [0, 0, 0, 0])])
      + [UInt8](repeating: 0x90, count: 64)
    return [
      ELFBuilder.sample(multibootFlags: 3).build(), ELFBuilder.sample().build(), stripped.build(),
      kludge.build(), second.build(), LinuxBuilder(preferredAddress: 0x40_0000, initSize: 0x10_0000).build(),
      ELFBuilder.noted([ELFBuilder.pvhNote]).build(),
      ELFBuilder.noted([ELFBuilder.pvhNote, ELFBuilder.linuxNote]).build(),
    ]
  }()

  static let interesting: [UInt32] = [
    0, 1, 2, 3, 0x7F, 0xFF, 0x100, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0xFFFF_FFF0, 0x10_0000,
    0xFF00,
  ]

  static func mutate(_ seed: [UInt8], using random: inout SeededGenerator) -> [UInt8] {
    var bytes = seed
    for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
      // Half of the damage goes to the headers, where it tells most.
      let span = Bool.random(using: &random) ? min(bytes.count, 116) : bytes.count
      let offset = Int.random(in: 0..<span, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0, 1: bytes[offset] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2: bytes[offset] = UInt8.random(in: 0...255, using: &random)
      case 3:
        if bytes.count >= 4 {
          bytes.set32(min(offset, bytes.count - 4) & ~3, interesting.randomElement(using: &random)!)
        }
      case 4: bytes.removeLast(Int.random(in: 0...min(40, bytes.count), using: &random))
      default:
        let length = Int.random(in: 0...min(32, bytes.count - offset), using: &random)
        bytes.insert(contentsOf: bytes[offset..<offset + length], at: offset)
      }
    }
    return bytes
  }

  @Test(arguments: 0..<8) func damagedFilesNeverTrap(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let memory = pcMemory(megabytes: 16)
    var booted = 0
    var reasons: Set<GuestImageError.Reason> = []
    for round in 0..<2500 {
      let bytes = Self.mutate(Self.seeds[round % Self.seeds.count], using: &random)
      do {
        let image = try GuestImage(file: "fuzz", bytes: bytes)
        for symbol in image.symbols.symbols {
          _ = image.symbols.symbol(at: symbol.address)
          _ = symbol.displayName
        }
        let module = BootPlan.Module(file: "m", bytes: [1, 2, 3], string: "m")
        let plan = try BootPlan(
          image: image, modules: image.bootProtocol == .plain ? [] : [module], memory: memory)
        PlannedMemory(plan: plan).expectSound(in: memory, "seed \(seed), round \(round)")
        #expect(memory.contains { $0.usable && $0.range.contains(UInt64(plan.entry)) })
        booted += 1
      } catch {
        reasons.insert(error.reason)
        #expect(!error.description.contains("\n"), "seed \(seed), round \(round)")
      }
    }
    // The damage is neither so light that all boot nor so heavy that none gets far.
    #expect(booted > 100, "seed \(seed)")
    #expect(
      reasons.isSuperset(of: [.truncated, .malformed, .outsideMemory, .notELF, .wrongMachine]), "seed \(seed)"
    )
  }

  @Test func damagedSwiftNamesNeverTrap() {
    var random = SeededGenerator(seed: 99)
    let names = [
      "$e10MiniKernel14BuddyAllocatorV8allocate5orders6UInt32VSgAG_tF", "$sSa6appendyyxnFSi_Tg5",
      "$s4main3fooyySaySiG_SDySSSiGtF", "$s4main1PPAAE3baryyF",
    ]
    for _ in 0..<20_000 {
      var bytes = Array(names.randomElement(using: &random)!.utf8)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 2..<bytes.count, using: &random)] = UInt8.random(in: 0x21...0x7E, using: &random)
      }
      let name = String(decoding: bytes, as: UTF8.self)
      if let demangled = demangle(name) { #expect(!demangled.isEmpty, "\(name)") }
    }
  }
}
