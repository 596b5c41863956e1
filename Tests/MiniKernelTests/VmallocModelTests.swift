import class Foundation.ProcessInfo
import Testing

@testable import Emulator
@testable import MiniKernel

/// What the tests believe there is: areas by start address, what made them, and the word each page begins with.
private struct ModelArea {
  enum Kind { case vmalloc, vmalloc32, vmap, ioremap }
  var start: KernelAddress
  var pages: UInt32
  var kind: Kind
  var tag: UInt32
}

@Suite("vmalloc against a model")
struct VmallocModelTests {
  /// One way the kernel can be set up; every one runs its share of the operations.
  struct Setup: CustomTestStringConvertible {
    var seed: UInt64
    var mebibytes: UInt64
    var policy = TLBFlushPolicy.eager
    var search = VMAreaSearch.list
    var huge = false
    var isFragmented = true

    var testDescription: String {
      "seed \(seed), \(mebibytes) MiB, \(policy), \(search), huge \(huge), fragmented \(isFragmented)"
    }
  }

  static let setups = [
    Setup(seed: 11, mebibytes: 6144),
    Setup(seed: 12, mebibytes: 64),
    Setup(seed: 13, mebibytes: 24, isFragmented: false),
    Setup(seed: 14, mebibytes: 1024, policy: .lazy),
    Setup(seed: 15, mebibytes: 1024, search: .tree),
    Setup(seed: 16, mebibytes: 1024, huge: true, isFragmented: false),
    Setup(seed: 17, mebibytes: 6144, policy: .lazy, search: .tree, huge: true, isFragmented: false),
    Setup(seed: 18, mebibytes: 32, policy: .lazy, search: .tree),
  ]

  /// Operations of each setup: with `make check-all` 200,000 in all, else a fifth.
  private static let operations = ProcessInfo.processInfo.environment["PAGEWALK_SLOW"] != nil ? 25_000 : 5_000

  @Test("random calls: contents, frames, tables and TLB agree after every batch", arguments: setups)
  func randomCalls(setup: Setup) throws {
    let kernel = try startedKernel(setup.mebibytes * mebibyte)
    kernel.tlbFlushPolicy = setup.policy
    kernel.areaSearch = setup.search
    kernel.allowsHugePages = setup.huge
    let memory = setup.isFragmented ? kernel.fragmentMemory(crumbs: 8192) : nil
    #expect((memory != nil) == setup.isFragmented)
    let before = kernel.freeCounts()
    var driver = Driver(kernel, seed: setup.seed)
    let batch = 500
    for number in 0..<Self.operations / batch {
      for _ in 0..<batch { try driver.step() }
      kernel.purgeLazyAreas()
      let findings = AreaAudit(kernel.hardware).findings
      try #require(findings.isEmpty, "\(setup.testDescription), batch \(number): \(findings.prefix(3))")
      try #require(kernel.freeListsMatchCounts(), "\(setup.testDescription), batch \(number)")
    }
    driver.releaseAll()
    kernel.purgeLazyAreas()
    kernel.releaseEmptyTables()
    #expect(kernel.freeCounts() == before)
    #expect(kernel.warnings == 0)
    #expect(kernel.hardware.unrepairedFaults.isEmpty)
    if let memory { kernel.releaseFragmentedMemory(memory) }
  }

  @Test("10,000 allocations on 6 GiB: vmalloc takes frames above 4 GiB, vmalloc_32 never does")
  func framesBelow4GiB() throws {
    let kernel = try startedKernel(6 * gibibyte)
    var random = SeededGenerator(seed: 5)
    var above = 0
    var live: [KernelAddress] = []
    for step in 0..<10_000 {
      let size = (1 + random.below(8)) * pageSize
      let only32 = step % 2 == 0
      let start = only32 ? try kernel.vmalloc32(size) : try kernel.vmalloc(size)
      let area = try #require(kernel.findVMArea(start))
      for index in 0..<area.pageCount {
        let isAbove = kernel.physicalAddress(of: area.page(index)) >= 4 * gibibyte
        if only32 { #expect(!isAbove, "step \(step)") }
        if isAbove { above += 1 }
      }
      live.append(start)
      if live.count > 20 { kernel.vfree(live.remove(at: Int(random.below(UInt32(live.count))))) }
    }
    #expect(above > 0)
    live.forEach { kernel.vfree($0) }
    #expect(kernel.vmlist.isNull)
  }

  /// Makes one random call after the other and keeps the model.
  private struct Driver {
    let kernel: HostKernel
    let seed: UInt64
    var random: SeededGenerator
    var areas: [ModelArea] = []
    var processes: [Process<EmulatedHardware>] = []
    var tag: UInt32 = 1

    init(_ kernel: HostKernel, seed: UInt64) {
      self.kernel = kernel
      self.seed = seed
      random = SeededGenerator(seed: seed)
    }

    mutating func step() throws {
      switch random.below(24) {
      case 0...6: allocate(.vmalloc)
      case 7, 8: allocate(.vmalloc32)
      case 9, 10: mapTwice()
      case 11, 12: remap()
      case 13...15: check()
      case 16: switchProcess()
      default: release()
      }
    }

    /// Goes on in another address space, an old one, a new one, or the reference table; some end.
    private mutating func switchProcess() {
      if processes.count < 4, let process = kernel.createProcess() { processes.append(process) }
      if processes.count > 2, random.below(3) == 0 {
        kernel.destroyProcess(processes.remove(at: Int(random.below(UInt32(processes.count)))))
      }
      let choice = Int(random.below(UInt32(processes.count + 1)))
      kernel.switchTo(choice < processes.count ? processes[choice] : nil)
    }

    /// Sizes from a page to several MiB, so that some page arrays are vmalloc'ed themselves.
    private mutating func randomPages() -> UInt32 {
      random.below(60) == 0 ? 1024 + random.below(600) : 1 + random.below(random.below(4) == 0 ? 40 : 6)
    }

    private mutating func allocate(_ kind: ModelArea.Kind) {
      let pages = randomPages()
      let size = pages * pageSize - random.below(pageSize)
      guard let start = kind == .vmalloc ? try? kernel.vmalloc(size) : try? kernel.vmalloc32(size) else {
        return
      }
      let area = ModelArea(start: start, pages: pages, kind: kind, tag: tag)
      tag &+= 0x1000
      write(area)
      areas.append(area)
    }

    private func write(_ area: ModelArea) {
      for index in 0..<area.pages {
        kernel.hardware.store32(area.start + index * pageSize, area.tag &+ index)
      }
    }

    /// A second view of some of an area's pages: what is written through one must be read through the other.
    private mutating func mapTwice() {
      let owners = areas.filter { $0.kind == .vmalloc && $0.pages >= 2 }
      guard !owners.isEmpty else { return }
      let owner = owners[Int(random.below(UInt32(owners.count)))]
      guard let area = kernel.findVMArea(owner.start) else { return }
      let count = 1 + random.below(owner.pages)
      guard let view = try? kernel.vmap(area.pages, count: count) else { return }
      for index in 0..<count {
        #expect(kernel.hardware.load32(view + index * pageSize) == owner.tag &+ index, "seed \(seed): vmap")
      }
      kernel.hardware.store32(view + 8, owner.tag)
      #expect(kernel.hardware.load32(owner.start + 8) == owner.tag, "seed \(seed): written through the view")
      kernel.vunmap(view)
      expectUnmapped(view, "view after vunmap")
    }

    private mutating func remap() {
      let physical = 0xE000_0000 + UInt64(random.below(1 << 24))
      let size = 1 + random.below(3 * pageSize)
      guard let address = try? kernel.ioremapNoCache(physical, size) else { return }
      #expect(UInt64(address.pageOffset) == physical & 0xFFF, "seed \(seed): ioremap's offset")
      // Nobody answers there: all ones.
      #expect(kernel.hardware.load8(address) == 0xFF, "seed \(seed)")
      kernel.iounmap(address)
    }

    /// Compares one area with the model: by linear address, by physical address, and at its guard page.
    private mutating func check() {
      guard !areas.isEmpty else { return }
      let area = areas[Int(random.below(UInt32(areas.count)))]
      for index in 0..<area.pages {
        let linear = area.start + index * pageSize
        #expect(kernel.hardware.load32(linear) == area.tag &+ index, "seed \(seed): page \(index)")
        let page = kernel.vmallocToPage(linear)
        let physical = page.map { kernel.physicalAddress(of: $0) } ?? 0
        #expect(
          kernel.hardware.readPhysical32(physical) == area.tag &+ index,
          "seed \(seed): frame of page \(index)")
      }
      #expect(
        kernel.hardware.probeLoad32(area.start + area.pages * pageSize) == nil, "seed \(seed): guard page")
    }

    private mutating func release() {
      guard !areas.isEmpty else { return }
      let area = areas.remove(at: Int(random.below(UInt32(areas.count))))
      kernel.vfree(area.start)
      expectUnmapped(area.start, "read after vfree")
    }

    /// Lazy freeing may leave a translation in the TLB until the purge, but never an entry in the tables.
    private func expectUnmapped(_ address: KernelAddress, _ what: String) {
      #expect(kernel.vmallocToPage(address) == nil, "seed \(seed): \(what)")
      if kernel.tlbFlushPolicy == .eager {
        #expect(kernel.hardware.probeLoad32(address) == nil, "seed \(seed): \(what)")
      }
    }

    mutating func releaseAll() {
      while !areas.isEmpty { release() }
      processes.forEach { kernel.destroyProcess($0) }
    }
  }
}
