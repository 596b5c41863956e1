import TestSupport
import Testing

@testable import Emulator
@testable import MiniKernel

@Suite("Lazy flushing, the tree of areas, 2 MiB mappings")
struct BeyondTheBookTests {
  @Test("lazily freed areas keep their addresses until one flush for all of them")
  func lazyFlush() throws {
    let kernel = try startedKernel(256 * mebibyte)
    let before = kernel.freeCounts()
    kernel.tlbFlushPolicy = .lazy
    let flushes = kernel[word: KernelVariable.wholeFlushes] + kernel[word: KernelVariable.pageFlushes]
    var last = KernelAddress.null
    for index in 0..<UInt32(50) {
      let start = try kernel.vmalloc(4 * pageSize)
      #expect(start > last, "addresses that wait for the flush are given to nobody")
      last = start
      kernel.hardware.store32(start, index)
      kernel.vfree(start)
      #expect(kernel.findVMArea(start) == nil)
      #expect(kernel.reports { kernel.vfree(start) }, "freed twice")
    }
    #expect(kernel[word: KernelVariable.wholeFlushes] + kernel[word: KernelVariable.pageFlushes] == flushes)
    #expect(kernel[word: KernelVariable.lazyPages] == 250)
    kernel.purgeLazyAreas()
    #expect(
      kernel[word: KernelVariable.wholeFlushes] == flushes + 1 || kernel[word: KernelVariable.pageFlushes] > 0
    )
    #expect(kernel.vmlist.isNull && kernel.hardware.probeLoad32(last) == nil)
    #expect(try kernel.vmalloc(pageSize) == kernel.vmallocStart)
    kernel.vfree(kernel.vmallocStart)
    kernel.purgeLazyAreas()
    kernel.releaseEmptyTables()
    #expect(kernel.freeCounts() == before)
  }

  @Test("the purge comes by itself when 32 MiB wait, and when no address is left")
  func purges() throws {
    let kernel = try startedKernel(896 * mebibyte)
    kernel.tlbFlushPolicy = .lazy
    for _ in 0..<20 { kernel.vfree(try kernel.vmalloc(2 << 20)) }
    #expect(kernel[word: KernelVariable.purges] == 1)
    let most = kernel.vmallocEnd - kernel.vmallocStart - pageSize
    let area = try kernel.getVMArea(most, .alloc)
    #expect(area.start == kernel.vmallocStart && kernel[word: KernelVariable.purges] == 2)
  }

  @Test("the tree finds what the list finds, in fewer steps", arguments: [41, 42, 43])
  func treeAgainstList(seed: UInt64) throws {
    let list = try startedKernel(64 * mebibyte)
    let tree = try startedKernel(64 * mebibyte)
    tree.areaSearch = .tree
    var random = SeededGenerator(seed: seed)
    var live: [KernelAddress] = []
    for step in 0..<4000 {
      if random.below(100) < 60 || live.isEmpty {
        let flags: VMAreaFlags = random.below(4) == 0 ? .ioremap : .alloc
        let size = 1 + random.below(random.below(20) == 0 ? 8 << 20 : 100_000)
        let a = try? list.getVMArea(size, flags)
        let b = try? tree.getVMArea(size, flags)
        #expect(a?.start == b?.start, "seed \(seed), step \(step)")
        if let a { live.append(a.start) }
      } else {
        let start = live.remove(at: Int(random.below(UInt32(live.count))))
        for kernel in [list, tree] {
          let area = try #require(kernel.removeVMArea(start))
          kernel.releaseVMArea(area)
        }
      }
      if step % 400 == 0 {
        #expect(list.areas.map(\.start) == tree.areas.map(\.start), "seed \(seed), step \(step)")
        // Switching back and forth builds the tree anew.
        tree.areaSearch = .list
        tree.areaSearch = .tree
      }
    }
    for start in live { #expect(tree.findVMArea(start) != nil, "seed \(seed)") }
    #expect(tree.findVMArea(live[0] + 1) == nil)
    let steps = (list[word: KernelVariable.searchSteps], tree[word: KernelVariable.searchSteps])
    #expect(steps.1 * 5 < steps.0, "seed \(seed): \(steps)")
  }

  @Test("a large area is mapped by 2 MiB pages where memory has such blocks, and comes apart cleanly")
  func hugePages() throws {
    let kernel = try startedKernel(1024 * mebibyte)
    let before = kernel.freeCounts()
    kernel.allowsHugePages = true
    // An empty page table in the way is given back; a process that has copied it loses it, too.
    let process = try #require(kernel.createProcess())
    kernel.switchTo(process)
    let small = try kernel.vmalloc(pageSize)
    kernel.hardware.store32(small, 1)
    kernel.vfree(small)
    let size: UInt32 = 5 << 20
    let start = try kernel.vmalloc(size)
    #expect(start.rawValue % (2 << 20) == 0)
    let tables = kernel[word: KernelVariable.pageTablePages]
    for offset in stride(from: UInt32(0), to: size, by: 4096) {
      kernel.hardware.store32(start + offset, offset ^ 0x5A5A)
    }
    for offset in stride(from: UInt32(0), to: size, by: 4096) {
      #expect(kernel.hardware.load32(start + offset) == offset ^ 0x5A5A)
      let page = try #require(kernel.vmallocToPage(start + offset))
      #expect(kernel.hardware.readPhysical32(kernel.physicalAddress(of: page)) == offset ^ 0x5A5A)
    }
    // Two large pages, the last MiB by a page table.
    let directory = kernel.swapperPageDirectory + (start.rawValue >> 21 & 511) * 8
    #expect(kernel.entry(at: directory).flags.contains(.large))
    #expect(kernel.entry(at: directory + 8).flags.contains(.large))
    #expect(!kernel.entry(at: directory + 16).flags.contains(.large))
    #expect(kernel.hardware.probeLoad32(start + size) == nil, "guard page")
    #expect(try kernel.audit() == [])
    #expect(kernel[word: KernelVariable.pageTablePages] == tables)
    kernel.vfree(start)
    #expect(kernel.hardware.probeLoad32(start) == nil, "gone for the process as well")
    kernel.destroyProcess(process)
    kernel.releaseEmptyTables()
    #expect(kernel.freeCounts() == before)
    #expect(kernel.warnings == 0 && kernel.hardware.unrepairedFaults.isEmpty)
  }

  @Test("in fragmented memory a huge area falls back to single pages")
  func hugeFallsBack() throws {
    let kernel = try startedKernel(1024 * mebibyte)
    kernel.allowsHugePages = true
    let memory = try #require(kernel.fragmentMemory(crumbs: 8192))
    let before = kernel.freeCounts()
    let start = try kernel.vmalloc(3 << 20)
    #expect(kernel.findVMArea(start)?.pageCount == 768)
    #expect(try kernel.audit() == [])
    kernel.vfree(start)
    kernel.releaseEmptyTables()
    #expect(kernel.freeCounts() == before)
    kernel.releaseFragmentedMemory(memory)
  }
}
