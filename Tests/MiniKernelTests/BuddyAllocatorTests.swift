import TestSupport
import Testing

@testable import MiniKernel

@Suite("Zones and the buddy allocator")
struct BuddyAllocatorTests {
  @Test(
    "zones cover memory from 16 MiB to 64 GiB",
    arguments: [16, 17, 64, 895, 896, 897, 1024, 3072, 3073, 6144, 65536] as [UInt64])
  func zones(mebibytes: UInt64) throws {
    let kernel = try startedKernel(mebibytes * mebibyte)
    let dma = kernel.zone(.dma)
    let normal = kernel.zone(.normal)
    let high = kernel.zone(.highmem)
    #expect(dma.startFrame == 0 && dma.endFrame == 4096)
    #expect(normal.startFrame == 4096)
    #expect(normal.endFrame == UInt32(min(mebibytes, 896)) << 8)
    #expect(high.startFrame == normal.endFrame)
    let layout = kernel.hardware.memory.layout
    let reachable = layout.ramRanges.map { min($0.upperBound, 1 << 36) - min($0.lowerBound, 1 << 36) }.reduce(
      0, +)
    #expect(UInt64(kernel.physicalPages) == reachable >> 12)
    #expect(UInt64(high.endFrame) == max(min(layout.top, 1 << 36) >> 12, UInt64(high.startFrame)))
    #expect(dma.presentPages + normal.presentPages + high.presentPages == kernel.physicalPages)
    #expect(kernel.freeListsMatchCounts())
    // What is not free is the image, the frame descriptors and frame 0.
    let used = UInt64(kernel.physicalPages - kernel.freePages)
    let expected = EmulatedHardware.imageBytes >> 12 + (UInt64(kernel.maxFrame) * 16 + 4095) >> 12 + 1
    #expect(used == expected)
    #expect(kernel.hardware.unrepairedFaults.isEmpty)
  }

  @Test("random blocks never overlap, lie in the zone asked for, and come back whole", arguments: [1, 2, 3])
  func randomBlocks(seed: UInt64) throws {
    let kernel = try startedKernel(1024 * mebibyte)
    let atStart = kernel.freeCounts()
    let freeAtStart = kernel.freePages
    var random = SeededGenerator(seed: seed)
    var taken: [(frame: UInt32, order: UInt32)] = []
    var owner: [UInt32: Int] = [:]
    var pages: UInt32 = 0
    var granted = 0
    let requests: [(GFPFlags, ZoneIndex)] = [
      (.kernel, .normal), ([.kernel, .dma], .dma), (.highUser, .highmem),
    ]
    for step in 0..<3000 {
      if random.below(100) < 55 || taken.isEmpty {
        let order = random.below(100) < 80 ? random.below(3) : random.below(maxOrder)
        let (gfp, highest) = requests[Int(random.below(3))]
        guard let page = kernel.allocatePages(gfp, order: order) else { continue }
        let frame = kernel.frame(of: page)
        #expect(frame % (1 << order) == 0, "seed \(seed), step \(step): alignment")
        #expect(kernel.zoneIndex(of: frame).rawValue <= highest.rawValue, "seed \(seed), step \(step): zone")
        for index in frame..<frame + 1 << order {
          #expect(
            owner.updateValue(step, forKey: index) == nil, "seed \(seed), step \(step): frame \(index) twice")
        }
        taken.append((frame, order))
        granted += 1
        pages += 1 << order
      } else {
        let block = taken.remove(at: Int(random.below(UInt32(taken.count))))
        for index in block.frame..<block.frame + 1 << block.order { owner[index] = nil }
        kernel.freePages(kernel.page(block.frame), order: block.order)
        pages -= 1 << block.order
      }
      #expect(kernel.freePages == freeAtStart - pages, "seed \(seed), step \(step)")
      if step % 500 == 0 { #expect(kernel.freeListsMatchCounts(), "seed \(seed), step \(step)") }
    }
    #expect(granted > 1000, "seed \(seed)")
    for block in taken { kernel.freePages(kernel.page(block.frame), order: block.order) }
    #expect(kernel.freeCounts() == atStart, "seed \(seed)")
    #expect(kernel.freeListsMatchCounts())
    #expect(kernel.warnings == 0)
  }

  @Test("the watermark stops ordinary requests before the zone is empty, and emergencies later")
  func watermarks() throws {
    let kernel = try startedKernel(16 * mebibyte)
    while kernel.allocatePage(.kernel) != nil {}
    let left = kernel.freePages
    let minimum = kernel.zone(.dma).watermark(.min)
    #expect(left == minimum)
    while kernel.allocatePage(.atomic) != nil {}
    #expect(kernel.freePages < left)
    #expect(kernel.freePages >= minimum / 4)
  }

  @Test("requests fall back from high memory to normal to DMA, and never upwards")
  func fallback() throws {
    let kernel = try startedKernel(1024 * mebibyte)
    var seen: [ZoneIndex] = []
    while let page = kernel.allocatePages(.highUser, order: 4) {
      let zone = kernel.zoneIndex(of: kernel.frame(of: page))
      if seen.last != zone { seen.append(zone) }
    }
    #expect(seen.first == .highmem && seen.contains(.normal))
    #expect(kernel.allocatePages([.kernel, .dma], order: 0).map { kernel.frame(of: $0) < 4096 } == true)
  }

  @Test("a block freed twice, or with another order, is reported and changes nothing")
  func badFrees() throws {
    let kernel = try startedKernel(32 * mebibyte)
    let page = try #require(kernel.allocatePages(.kernel, order: 2))
    let counts = kernel.freeCounts()
    #expect(kernel.reports { kernel.freePages(page, order: 1) })
    #expect(kernel.freeCounts() == counts)
    kernel.freePages(page, order: 2)
    let after = kernel.freeCounts()
    #expect(kernel.reports { kernel.freePages(page, order: 2) })
    #expect(kernel.reports { kernel.freePages(kernel.page(0), order: 0) })
    #expect(kernel.freeCounts() == after)
  }

  @Test(
    "fragmenting leaves single pages only, in every zone, and is undone without a trace",
    arguments: [16, 64, 6144])
  func fragmentation(mebibytes: UInt64) throws {
    let kernel = try startedKernel(mebibytes * mebibyte)
    let atStart = kernel.freeCounts()
    let memory = try #require(kernel.fragmentMemory(crumbs: 2048))
    for zone in ZoneIndex.allCases where kernel.zone(zone).presentPages > 0 {
      for order in 1..<maxOrder {
        #expect(kernel.zone(zone).freeBlocks(order) == 0, "\(zone), order \(order)")
      }
      #expect(kernel.zone(zone).freePages > 200)
    }
    #expect(kernel.freeListsMatchCounts())
    #expect(kernel.allocatePages(.highUser, order: 1) == nil)
    let start = try kernel.vmalloc(100 * pageSize)
    kernel.vfree(start)
    kernel.releaseEmptyTables()
    kernel.releaseFragmentedMemory(memory)
    #expect(kernel.freeCounts() == atStart)
    #expect(kernel.warnings == 0)
  }
}
