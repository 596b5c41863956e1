import IA32
import Testing

@testable import Emulator
@testable import MiniKernel

@Suite("Multiboot, console, listings")
struct MultibootAndConsoleTests {
  /// A machine with a Multiboot information structure at 80000h, as the loader of a machine of `bytes` bytes writes it.
  private func bootedKernel(_ bytes: UInt64, commandLine: String, entrySize: UInt32 = 20) throws -> HostKernel
  {
    let hardware = try EmulatedHardware(bytes: bytes)
    let info: UInt64 = 0x8_0000
    hardware.writePhysical32(info, 1 << 2 | 1 << 3 | 1 << 6)
    hardware.writePhysical32(info + 16, 0x8_1000)
    try hardware.memory.write(Array(commandLine.utf8) + [0], at: PhysicalAddress(0x8_1000))
    hardware.writePhysical32(info + 20, 1)
    hardware.writePhysical32(info + 24, 0x8_2000)
    hardware.writePhysical32(0x8_2000, 0x20_0000)
    hardware.writePhysical32(0x8_2004, 0x20_1234)
    var entry: UInt64 = 0x8_3000
    let holes: [(Range<UInt64>, UInt32)] = [(0xA0000..<0x100000, 2)]
    for (range, type) in hardware.memory.layout.ramRanges.map({ ($0, UInt32(1)) }) + holes {
      hardware.writePhysical32(entry, entrySize)
      hardware.writePhysical(entry + 4, range.lowerBound)
      hardware.writePhysical(entry + 12, range.upperBound - range.lowerBound)
      hardware.writePhysical32(entry + 20, type)
      entry += UInt64(entrySize) + 4
    }
    hardware.writePhysical32(info + 44, UInt32(entry - 0x8_3000))
    hardware.writePhysical32(info + 48, 0x8_3000)
    let kernel = Kernel(hardware)
    try #require(kernel.readMultiboot(UInt32(info)))
    return kernel
  }

  @Test("memory map, modules and command line are read", arguments: [20, 24] as [UInt32])
  func multiboot(entrySize: UInt32) throws {
    let kernel = try bootedKernel(5 * gibibyte, commandLine: "kernel quiet color", entrySize: entrySize)
    #expect(kernel.rangeCount(.memory) == 3)
    #expect(kernel.range(.memory, 2) == 4 * gibibyte..<6 * gibibyte)
    #expect(kernel.commandLineContains("color") && kernel.commandLineContains("quiet"))
    #expect(!kernel.commandLineContains("col") && !kernel.commandLineContains("colors"))
    #expect(kernel.commandLineNumber("color") == nil)
    try #require(kernel.startMemory())
    #expect(kernel.physicalPages == UInt32(5 * gibibyte >> 12) - 0x60)
    // The module's pages are nobody's.
    for frame in UInt32(0x200)...0x201 { #expect(kernel.page(frame).word == 0) }
    #expect(kernel.freeListsMatchCounts())
  }

  @Test("a memory map that ends in the middle of an entry, or never, does not hang")
  func hostileMap() throws {
    for size in [0, 0xFFFF_FFFF, 3] as [UInt32] {
      let hardware = try EmulatedHardware(bytes: 16 * mebibyte)
      hardware.writePhysical32(0x8_0000, 1 << 6)
      hardware.writePhysical32(0x8_0000 + 44, 24 * 8)
      hardware.writePhysical32(0x8_0000 + 48, 0x8_3000)
      for entry in 0..<UInt64(8) { hardware.writePhysical32(0x8_3000 + entry * 24, size) }
      #expect(!Kernel(hardware).readMultiboot(0x8_0000))
    }
  }

  @Test("numbers of the command line are taken whole or not at all")
  func commandLineNumbers() throws {
    let kernel = try bootedKernel(
      64 * mebibyte,
      commandLine: "kernel a=1 seed=4294967295 big=4294967296 none= bad=7x  reseed=8 count=0007")
    #expect(kernel.commandLineNumber("seed") == .max && kernel.commandLineNumber("count") == 7)
    for name in ["big", "none", "bad", "ed", "kernel", "see", "7"] as [StaticString] {
      #expect(kernel.commandLineNumber(name) == nil, "\(name)")
    }
    let full = try bootedKernel(64 * mebibyte, commandLine: String(repeating: "x", count: 254) + " n=1")
    #expect(full.commandLineNumber("n") == nil, "beyond what is kept")
    #expect(try bootedKernel(64 * mebibyte, commandLine: "").commandLineNumber("n") == nil)
  }

  @Test("overlapping and touching ranges are joined, in any order; the excess is ignored")
  func memoryRanges() throws {
    let kernel = Kernel(try EmulatedHardware(bytes: 16 * mebibyte))
    for (base, length) in [
      (0x5000, 0x1000), (0x1000, 0x1000), (0x2000, 0x1000), (0x4000, 0x1800), (0x8000, 0),
    ]
      as [(UInt64, UInt64)]
    {
      kernel.addMemory(base: base, length: length)
    }
    #expect(kernel.rangeCount(.memory) == 2)
    #expect(kernel.range(.memory, 0) == 0x1000..<0x3000 && kernel.range(.memory, 1) == 0x4000..<0x6000)
    kernel.addMemory(base: .max - 5, length: 100)
    kernel.addMemory(base: 1 << 35, length: .max)
    #expect(kernel.range(.memory, 2) == 1 << 35..<1 << 36, "cut where the processor's addresses end")
    for index in 0..<UInt64(100) { kernel.addMemory(base: 1 << 24 + index << 16, length: 0x1000) }
    #expect(kernel.rangeCount(.memory) == 32)
  }

  @Test("the listings show what there is")
  func listings() throws {
    let kernel = try startedKernel(6 * gibibyte)
    let start = try kernel.vmalloc(3 * pageSize)
    _ = try kernel.ioremapNoCache(0xE000_0000, 4096)
    kernel.hardware.output = []
    kernel.printVMallocInfo()
    kernel.printMemInfo()
    kernel.printBuddyInfo()
    kernel.printZoneInfo()
    let text = kernel.consoleText
    #expect(text.contains("  f8800000-f8804000      16384 pages=3 vmalloc\r\n"))
    #expect(text.contains("phys=00e0000000 ioremap"))
    #expect(text.contains("MemTotal:        6291072 kB"))
    #expect(text.contains("HighMem   0038000000-01bfffffff     5.1 GiB"))
    #expect(text.split(separator: "\r\n").allSatisfy { $0.count <= 80 })
    kernel.hardware.output = []
    for area in kernel.areas { kernel.printArea(area) }
    let pictures = kernel.consoleText
    #expect(pictures.contains("f8800000 | page     0 | -------->"))
    #expect(pictures.contains("f8804000 | page     0 | --------> 00e0000000  bus, uncached\r\n"))
    #expect(pictures.contains("f8803000 | guard page |"))
    kernel.vfree(start)
  }

  @Test("numbers are aligned, colours come only when asked for")
  func formatting() throws {
    let kernel = try startedKernel(16 * mebibyte)
    func shown(_ body: (Console<EmulatedHardware>) -> Void) -> String {
      kernel.hardware.output = []
      body(kernel.console)
      return kernel.consoleText
    }
    #expect(
      shown { $0.decimal(0, width: 3).decimal(4_294_967_295).decimal(12, width: 4) } == "  04294967295  12")
    #expect(shown { $0.hexadecimal(UInt32(0xBEEF), digits: 8) } == "0000beef")
    #expect(shown { $0.pages(255, width: 10) } == "  1020 KiB")
    #expect(shown { $0.pages(256, width: 10) } == "     1 MiB")
    #expect(shown { $0.pages(1 << 18 + 1 << 17, width: 10) } == "   1.5 GiB")
    #expect(shown { $0.style(.good).text("a").line() } == "a\r\n")
    #expect(shown { $0.heading("Zones") }.utf8.count == 80 + 4, "80 columns, and two line ends")
    kernel[word: KernelVariable.consoleFlags] = 1
    #expect(shown { $0.style(.good).text("a").style(.plain) } == "\u{1B}[1;32ma\u{1B}[0m")
    kernel.muteConsole(true)
    #expect(shown { $0.text("nothing") } == "")
    kernel.muteConsole(false)
    #expect(kernel[word: KernelVariable.consoleFlags] == 1)
  }
}
