import Emulator
import Testing

@testable import MachineDescriptions

/// What the guest is told. SDM vol. 2A, table 3-12.
@Suite("CPUID of a description")
struct CPUIDTests {
  func model(_ machine: MachineDescription) -> CPUModel {
    CPUModel(
      identity: machine.identity, addressWidth: UInt8(machine.physicalAddressBits), geometry: machine.tlb,
      caches: machine.caches)
  }

  @Test func presets() {
    let expected: [(MachineDescription, UInt32, UInt32)] = [
      (.p6, 0x619, 0x0c04_0843), (.pentiumPro, 0x619, 0x0a04_0642), (.pentium2, 0x634, 0x0c04_0843),
      (.pentium3, 0x673, 0x0c04_0843), (.pentium4, 0xf12, 0x0c04_0882), (.ideal, 0x619, 0x0c04_0843),
    ]
    for (machine, signature, edx) in expected {
      let model = model(machine)
      #expect(model.cpuid(leaf: 1).eax == signature, "\(machine.name)")
      #expect(model.cpuid(leaf: 2) == (0x0302_0101, 0, 0, edx), "\(machine.name)")
      let hasNX = machine.name == "p6" || machine.name == "ideal"
      #expect(model.cpuid(leaf: 0x8000_0001).edx == (hasNX ? 1 << 20 : 0), "\(machine.name)")
    }
  }

  @Test func featuresOfPresets() throws {
    let extended: UInt32 = 1 << 19 | 1 << 23 | 1 << 24 | 1 << 25 | 1 << 26
    let expected: [(MachineDescription, UInt32)] = [
      (.p6, 0), (.pentiumPro, 0), (.pentium2, 1 << 23), (.pentium3, 1 << 23 | 1 << 24 | 1 << 25),
      (.pentium4, extended), (.ideal, 0),
    ]
    for (machine, bits) in expected {
      #expect(model(machine).cpuid(leaf: 1).edx & extended == bits, "\(machine.name)")
      let line: UInt32 = machine.name == "pentium4" ? 4 << 8 : 0
      #expect(model(machine).cpuid(leaf: 1).ebx == line, "\(machine.name)")
    }
    #expect(MachineDescription.processor(with: .mmx) == "pentium2")
    #expect(MachineDescription.processor(with: .sse2) == "pentium4")
    #expect(MachineDescription.processor(with: .sse3) == nil)
    let changed = try #require(MachineDescription.ideal.withProcessor("pentium3"))
    #expect(changed.identity == MachineDescription.pentium3.identity)
    #expect(changed.caches == MachineDescription.ideal.caches)
    #expect(MachineDescription.p6.withProcessor("z80") == nil)
  }

  @Test func featuresByName() throws {
    let machine = try DescriptionTests.read("cpuid: {features: mmx fxsr sse}")
    #expect(machine.identity.extensions == [.mmx, .fxsave, .sse])
    #expect(try DescriptionTests.read("base: pentium4\ncpuid: {features: none}").identity.extensions == [])
    for text in ["3dnow", "mmx,sse", "sse2", "sse", "mmx sse"] {
      #expect(throws: MachineDescriptionError.self, "\(text)") {
        try DescriptionTests.read("cpuid: {features: \"\(text)\"}")
      }
    }
  }

  /// The descriptor of one array or cache, which stands in one byte of EAX or EDX.
  @Test(
    arguments: [
      ("tlb: {data-4k: {entries: 128}}", 0xb302_0101, 0x0c04_0843),
      ("tlb: {data-4k: {entries: 256}}", 0xb402_0101, 0x0c04_0843),
      ("tlb: {data-4k: {entries: 16}}", 0x5702_0101, 0x0c04_0843),
      ("tlb: {instruction-4k: {entries: 128}}", 0x0302_b001, 0x0c04_0843),
      ("tlb: {data-large: {entries: 32}}", 0x0302_0101, 0x0c05_0843),
      ("caches: {l2: {size: 128K}}", 0x0302_0101, 0x0c04_0841),
      ("caches: {l2: {size: 256K}}", 0x0302_0101, 0x0c04_0842),
      ("caches: {l2: {size: 1M}}", 0x0302_0101, 0x0c04_0844),
      ("caches: {l2: {size: 2M}}", 0x0302_0101, 0x0c04_0845),
      ("caches: {l2: {size: 256K, ways: 8}}", 0x0302_0101, 0x0c04_0882),
      // A policy is nothing that the leaf could tell.
      ("tlb: {data-4k: {policy: tree-plru}}", 0x0302_0101, 0x0c04_0843),
      // Shapes without a byte.
      ("tlb: {data-4k: {entries: 64, ways: full}}", 0x0002_0101, 0x0c04_0843),
      (
        "tlb: {instruction-4k: {entries: 16}, instruction-large: {entries: 8, ways: 4}}", 0x0300_0001,
        0x0c04_0843
      ),
      ("tlb: {data-large: {entries: 8, ways: 8}}", 0x0302_0101, 0x0c00_0843),
      (
        "caches: {l1-instruction: {size: 8K, ways: 2}, l1-data: {size: 4K, ways: 1}, l2: {size: 4M}}",
        0x0302_0101, 0x0004_0000
      ),
    ] as [(String, UInt32, UInt32)])
  func shapes(_ text: String, _ eax: UInt32, _ edx: UInt32) throws {
    let model = model(try DescriptionTests.read(text))
    #expect(model.cpuid(leaf: 2) == (eax, 0, 0, edx))
  }

  @Test func theRest() throws {
    let model = model(
      try DescriptionTests.read(
        "physical-address-bits: 40\ncpuid: {brand: Test, family: 5, model: 4, stepping: 3, no-execute: false}"
      ))
    #expect(model.cpuid(leaf: 1).eax == 0x543)
    #expect(model.cpuid(leaf: 0x8000_0008).eax == 0x2028)
    #expect(model.cpuid(leaf: 0x8000_0002) == (0x7473_6554, 0, 0, 0))
  }
}
