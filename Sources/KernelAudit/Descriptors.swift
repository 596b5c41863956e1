import Emulator
import IA32

/// What a `struct page` says.
struct PageDescriptor {
  var word: UInt32
  var virtual: UInt32

  var flags: UInt32 { word & 0xFF }
  /// The order of a block's head, or the cache of a slab.
  var order: UInt32 { word >> 8 & 0xFF }
  /// Users of the page, or a slab's objects in use.
  var count: UInt32 { word >> 16 }

  /// For messages: "in use by 1", "a page table", ...
  var meaning: String {
    switch flags {
    case KernelLayout.Page.reserved: "reserved"
    case KernelLayout.Page.buddy: "the head of a free block of order \(order)"
    case KernelLayout.Page.slab: "a slab"
    case KernelLayout.Page.compound: "a block of kmalloc"
    case KernelLayout.Page.table: "a page table"
    case 0: count == 0 ? "unused" : "used \(count) times"
    default: "flagged \(hexadecimal(UInt64(flags), digits: 2))"
    }
  }
}

/// What a pass over all of `mem_map` finds.
struct DescriptorScan {
  var tables: [UInt32] = []
  /// Slabs and objects in use, by cache.
  var slabs: [UInt32: (slabs: UInt32, objects: UInt32, withFreeObjects: UInt32)] = [:]
  /// High pages that say they have an address.
  var kmapped: [(frame: UInt32, address: UInt32)] = []
}

extension AuditRun {
  /// The descriptor of a frame below `max_pfn`.
  func descriptor(_ frame: UInt32) -> PageDescriptor {
    let address = UInt64(memMap - KernelLayout.pageOffset) + UInt64(frame) * UInt64(KernelLayout.Page.size)
    return PageDescriptor(
      word: memory.word(address + UInt64(KernelLayout.Page.word)) ?? 0,
      virtual: memory.word(address + UInt64(KernelLayout.Page.virtual)) ?? 0)
  }

  /// The frame whose descriptor, or a field of it, is at `linear`; nil when there is none.
  func frame(ofDescriptorAt linear: UInt32, field offset: UInt32 = 0) -> UInt32? {
    let distance = linear &- offset &- memMap
    guard linear >= memMap, distance % KernelLayout.Page.size == 0 else { return nil }
    let frame = distance / KernelLayout.Page.size
    return frame < maxFrame ? frame : nil
  }

  /// Reads every descriptor once: whatever is not nothing must fit to the free lists, and is kept for later checks.
  func scanDescriptors() {
    var frame: UInt32 = 0
    let chunk: UInt32 = 1 << 14
    while frame < maxFrame {
      let count = min(chunk, maxFrame - frame)
      let start = UInt64(memMap - KernelLayout.pageOffset) + UInt64(frame) * UInt64(KernelLayout.Page.size)
      let words = memory.words(PhysicalAddress(start), count: Int(count) * 4) ?? []
      words.withUnsafeBufferPointer { words in
        var index = 0
        while index < words.count {
          if words[index] != 0 || words[index + 1] != 0 {
            note(
              frame + UInt32(index / 4), PageDescriptor(word: words[index], virtual: words[index + 1]))
          }
          index += 4
        }
      }
      frame += count
    }
  }

  private func note(_ frame: UInt32, _ page: PageDescriptor) {
    if freeBlocks[frame] == nil {
      expect(
        page.flags & KernelLayout.Page.buddy == 0, .lostFreeBlock,
        "frame \(frame) says it heads a free block of order \(page.order), but no free list has it")
      expect(
        page.word == 0 || page.flags & KernelLayout.Page.buddy != 0 || !freeFrames.contains(frame),
        .freeBlock, "frame \(frame) is \(page.meaning), but lies inside a free block")
    }
    if page.flags & KernelLayout.Page.table != 0 { descriptors.tables.append(frame) }
    if page.flags == KernelLayout.Page.slab {
      var cache = descriptors.slabs[page.order] ?? (0, 0, 0)
      cache.slabs += 1
      cache.objects &+= page.count
      if page.virtual != 0 { cache.withFreeObjects += 1 }
      descriptors.slabs[page.order] = cache
    }
    if frame >= maxLowFrame && page.virtual != 0 { descriptors.kmapped.append((frame, page.virtual)) }
  }

  // MARK: Frames and who has them

  /// What is mapped somewhere must be in use, and by as many as have it.
  func checkFrames() {
    for (frame, places) in owners.sorted(by: { $0.key < $1.key }) {
      guard expectInUse(frame, places[0]) else { continue }
      let page = descriptor(frame)
      expect(
        page.flags == 0, .frameUse, "\(places[0]) is frame \(frame), which is \(page.meaning)")
      expect(
        page.flags != 0 || places.count <= page.count, .sharedFrame,
        "frame \(frame) is \(places.joined(separator: " and ")), but has \(page.count) "
          + (page.count == 1 ? "user" : "users"))
    }
    for (frame, place) in views where expectInUse(frame, place) {
      let page = descriptor(frame)
      expect(
        page.flags & KernelLayout.Page.table == 0, .frameUse,
        "\(place) shows frame \(frame), which is \(page.meaning)")
    }
  }

  /// Whether the frame is the page allocator's and not free.
  private func expectInUse(_ frame: UInt32, _ place: String) -> Bool {
    guard frame < maxFrame else {
      report(.frameUse, "\(place) is frame \(frame), which is not the kernel's memory")
      return false
    }
    if freeFrames.contains(frame) {
      report(.mappedFreeFrame, "frame \(frame) is in a free list and mapped as \(place)")
      return false
    }
    return true
  }

  // MARK: kmalloc

  /// Each cache must count the slabs that there are, and list those with a free object.
  func checkCaches() {
    typealias Cache = KernelLayout.Cache
    for number in 0..<Cache.count {
      let cache = symbols[.kmallocCaches] + number * Cache.size
      let found = descriptors.slabs[number] ?? (0, 0, 0)
      let size = field(cache, Cache.objectSize) ?? 0
      let slabs = field(cache, Cache.slabCount) ?? 0
      let objects = field(cache, Cache.activeObjects) ?? 0
      expect(
        slabs == found.slabs && objects == found.objects, .kmallocCaches,
        "the cache of \(size) bytes counts \(slabs) slabs with \(objects) objects in use, but there are "
          + "\(found.slabs) with \(found.objects)")
      var partial: UInt32 = 0
      walkList(cache + Cache.partial, "the partial slabs of the cache of \(size) bytes", .kmallocCaches) {
        frame in
        let page = descriptor(frame)
        expect(
          page.flags == KernelLayout.Page.slab && page.order == number && page.virtual != 0, .kmallocCaches,
          "frame \(frame) is in the list of partial slabs of the cache of \(size) bytes, but is \(page.meaning)"
        )
        partial += 1
      }
      expect(
        partial == found.withFreeObjects, .kmallocCaches,
        "the cache of \(size) bytes lists \(partial) partial slabs, but \(found.withFreeObjects) have free objects"
      )
    }
    for number in descriptors.slabs.keys.sorted() where number >= Cache.count {
      report(.kmallocCaches, "slabs say they belong to cache \(number), and there are \(Cache.count)")
    }
  }
}
