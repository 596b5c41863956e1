import TestSupport
import Testing

@testable import MiniKernel

@Suite("kmalloc and kmap")
struct KmallocTests {
  @Test("random objects never overlap, keep what is written, and leave no slab behind", arguments: [31, 32])
  func randomObjects(seed: UInt64) throws {
    let kernel = try startedKernel(32 * mebibyte)
    let before = kernel.freeCounts()
    var random = SeededGenerator(seed: seed)
    var objects: [(address: KernelAddress, size: UInt32)] = []
    for step in 0..<4000 {
      if random.below(100) < 55 || objects.isEmpty {
        let size = 4 + random.below(random.below(20) == 0 ? 20_000 : 600)
        let object = try #require(kernel.kmalloc(size, .kernel))
        kernel.hardware.store32(object, object.rawValue ^ size)
        kernel.hardware.store32(object + (size & ~3 - 4), object.rawValue ^ size)
        objects.append((object, size))
      } else {
        let (object, size) = objects.remove(at: Int(random.below(UInt32(objects.count))))
        #expect(kernel.hardware.load32(object) == object.rawValue ^ size, "seed \(seed), step \(step)")
        #expect(
          kernel.hardware.load32(object + (size & ~3 - 4)) == object.rawValue ^ size,
          "seed \(seed), step \(step)")
        kernel.kfree(object)
      }
    }
    let sorted = objects.sorted { $0.address < $1.address }
    for (a, b) in zip(sorted, sorted.dropFirst()) { #expect(a.address + a.size <= b.address, "seed \(seed)") }
    for object in objects { kernel.kfree(object.address) }
    #expect(kernel.freeCounts() == before, "seed \(seed)")
    #expect(kernel.warnings == 0)
  }

  @Test("sizes are rounded to powers of two and aligned to them")
  func alignment() throws {
    let kernel = try startedKernel(32 * mebibyte)
    for (size, expected) in [
      (1, 16), (16, 16), (17, 32), (32, 32), (1025, 2048), (2049, 4096), (9000, 16384),
    ] as [(UInt32, UInt32)] {
      let object = try #require(kernel.kmalloc(size, .kernel))
      #expect(object.rawValue & (min(expected, pageSize) - 1) == 0, "\(size)")
    }
    #expect(kernel.kmalloc(0, .kernel) == nil)
    #expect(kernel.kmalloc(4 << 20 + 1, .kernel) == nil)
  }

  @Test("bad frees are reported and change nothing")
  func badFrees() throws {
    let kernel = try startedKernel(32 * mebibyte)
    let object = try #require(kernel.kmalloc(64, .kernel))
    let other = try #require(kernel.kmalloc(64, .kernel))
    #expect(kernel.reports { kernel.kfree(object + 16) })
    #expect(kernel.reports { kernel.kfree(kernel.vmallocStart) })
    #expect(kernel.reports { kernel.kfree(AddressSpace.pageOffset + 0x5000) })
    kernel.kfree(object)
    #expect(kernel.reports { kernel.kfree(object) })
    kernel.kfree(other)
    #expect(!kernel.reports { kernel.kfree(.null) })
  }

  @Test("kmap gives each high page one place, keeps it, and flushes when the window is full")
  func kmapWindow() throws {
    let kernel = try startedKernel(1024 * mebibyte)
    var pages: [Page<EmulatedHardware>] = []
    for index in 0..<UInt32(513) {
      let page = try #require(kernel.allocatePage(.highUser))
      #expect(kernel.isHighMemory(page))
      pages.append(page)
      if index < 512 {
        let address = try #require(kernel.kmap(page))
        kernel.hardware.store32(address, index)
        #expect(kernel.hardware.readPhysical32(kernel.physicalAddress(of: page)) == index)
      }
    }
    #expect(kernel.kmap(pages[512]) == nil, "the window is full")
    #expect(kernel.kmap(pages[0]) == kernel.pageAddress(pages[0]), "the same place again")
    kernel.kunmap(pages[0])
    kernel.kunmap(pages[7])
    let address = try #require(kernel.kmap(pages[512]))
    kernel.hardware.store32(address, 4711)
    #expect(
      kernel.hardware.readPhysical32(kernel.physicalAddress(of: pages[512])) == 4711, "no stale translation")
    #expect(kernel.pageAddress(pages[7]).isNull)
    #expect(kernel.reports { kernel.kunmap(pages[7]) })
    let low = try #require(kernel.allocatePage(.kernel))
    #expect(kernel.kmap(low) == kernel.pageAddress(low))
  }

  @Test("kmap_atomic shows one page after the other in the same place")
  func kmapAtomic() throws {
    let kernel = try startedKernel(1024 * mebibyte)
    let a = try #require(kernel.allocatePage(.highUser))
    let b = try #require(kernel.allocatePage(.highUser))
    for (page, value) in [(a, 1), (b, 2), (a, 3)] as [(Page<EmulatedHardware>, UInt32)] {
      let address = kernel.kmapAtomic(page, .user0)
      kernel.hardware.store32(address, value)
      #expect(kernel.hardware.readPhysical32(kernel.physicalAddress(of: page)) == value)
      kernel.kunmapAtomic(.user0)
      #expect(kernel.hardware.probeLoad32(address) == nil)
    }
    let zeroed = try #require(kernel.allocatePage([.highUser, .zero]))
    #expect(kernel.hardware.readPhysical(kernel.physicalAddress(of: zeroed)) == 0)
  }
}
