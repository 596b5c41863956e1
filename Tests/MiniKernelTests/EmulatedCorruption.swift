import KernelAudit

@testable import MiniKernel

/// A kernel with something of everything: areas of all three kinds, a process with a page, a page in the kmap window, an
/// object of kmalloc. Corruptions poke into it by physical address, as a wild store or a broken kernel would.
struct AuditedKernel {
  let kernel: HostKernel
  /// Five pages of vmalloc, each written to.
  let area: VMArea<EmulatedHardware>
  /// The first three of them once more.
  let view: VMArea<EmulatedHardware>
  /// Two pages of the bus, not cached.
  let bus: VMArea<EmulatedHardware>
  let process: Process<EmulatedHardware>
  let high: Page<EmulatedHardware>
  let object: KernelAddress

  init() throws {
    kernel = try startedKernel(1024 * mebibyte)
    let start = try kernel.vmalloc(5 * pageSize)
    for index in 0..<UInt32(5) { kernel.hardware.store32(start + index * pageSize, index) }
    area = kernel.findVMArea(start)!
    view = kernel.findVMArea(try kernel.vmap(area.pages, count: 3))!
    bus = kernel.findVMArea(try kernel.ioremapNoCache(0xE000_0000, 2 * pageSize))!
    process = kernel.createProcess()!
    _ = kernel.mapUserPage(process, KernelAddress(0x40_0000), writable: true)
    high = kernel.allocatePage(.highUser)!
    _ = kernel.kmap(high)
    object = kernel.kmalloc(64, .kernel)!
  }

  func poke(_ address: KernelAddress, _ value: UInt32) {
    kernel.hardware.writePhysical32(kernel.physicalAddress(of: address), value)
  }

  func poke(variable offset: UInt32, _ value: UInt32) { poke(kernel.address + offset, value) }

  /// Where the leaf entry of an address in the vmalloc range is, as a physical address.
  func leaf(_ address: KernelAddress) -> UInt64 {
    kernel.physicalAddress(of: kernel.kernelTableEntry(address)!)
  }

  func changeLeaf(_ address: KernelAddress, _ change: (UInt64) -> UInt64) {
    let leaf = leaf(address)
    kernel.hardware.writePhysical(leaf, change(kernel.hardware.readPhysical(leaf)))
  }

  func frame(_ index: UInt32) -> UInt32 { kernel.frame(of: area.page(index)) }

  /// Zone NORMAL and the first block of its largest free list.
  var zone: Zone<EmulatedHardware> { kernel.zone(.normal) }
  var freeBlock: Page<EmulatedHardware> { Page(kernel.hardware, linkedAt: zone.freeList(10).next) }
}

func hex(_ address: KernelAddress) -> String { hex(UInt64(address.rawValue), 8) }

func hex(_ value: UInt64, _ digits: Int = 16) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}

/// One way to break one invariant, and the sentence it must be told in.
struct Corruption: Sendable {
  var check: AuditCheck
  var name: String
  /// Breaks it; the result is the sentence.
  var apply: @Sendable (AuditedKernel) throws -> String

  init(_ check: AuditCheck, _ name: String, _ apply: @escaping @Sendable (AuditedKernel) throws -> String) {
    self.check = check
    self.name = name
    self.apply = apply
  }

  static let all = variables + areaLists + mappings + allocator + frames + tables + processor

  static let variables = [
    Corruption(.variables, "high_memory moved") {
      $0.poke(variable: KernelVariable.highMemory, 0xF7FF_F000)
      return "high_memory is f7fff000, which is not the end of 229376 frames of lowmem"
    }
  ]

  static let areaLists = [
    Corruption(.areaList, "vmlist points nowhere") {
      $0.poke(variable: KernelVariable.vmlist, 0x1000)
      return "vmlist leads to 00001000, where no descriptor can be"
    },
    Corruption(.areaList, "vmlist in a circle") {
      $0.poke($0.bus.address, $0.area.address.rawValue)
      return "vmlist comes back to the descriptor at \(hex($0.area.address))"
    },
    Corruption(.areaOrder, "two areas at one address") {
      $0.poke($0.view.address + VMAreaLayout.address, $0.area.start.rawValue)
      return "the area at \(hex($0.area.start)) overlaps the one at \(hex($0.area.start))"
    },
    Corruption(.areaOrder, "an area in the wrong place of the list") {
      let far = $0.bus.start + 0x10_0000
      $0.poke($0.area.address + VMAreaLayout.address, far.rawValue)
      return "the area at \(hex($0.view.start)) comes after the one at \(hex(far)) in vmlist"
    },
    Corruption(.areaRange, "an area beyond VMALLOC_END") {
      $0.poke($0.bus.address + VMAreaLayout.size, 0x0800_0000)
      return "the area at \(hex($0.bus.start)) with 134217728 bytes reaches out of the vmalloc range"
    },
    Corruption(.areaAlignment, "a size that is no whole number of pages") {
      $0.poke($0.view.address + VMAreaLayout.size, 4 * pageSize + 16)
      return "the area at \(hex($0.view.start)) has 16400 bytes: not whole pages with a guard page"
    },
    Corruption(.areaKind, "an area that is two things") {
      $0.poke($0.view.address + VMAreaLayout.flags, 6)
      return
        "the area at \(hex($0.view.start)) has flags 00000006: not exactly one of VM_IOREMAP, VM_ALLOC and VM_MAP"
    },
    Corruption(.areaTree, "a node that lies about gaps") {
      $0.kernel.areaSearch = .tree
      $0.poke(KernelAddress($0.kernel[word: KernelVariable.areaRoot]) + VMAreaLayout.largestGap, 77)
      let root = VMArea($0.kernel.hardware, at: KernelAddress($0.kernel[word: KernelVariable.areaRoot]))
      let gap = $0.bus.start - $0.view.end
      return
        "the tree node of the area at \(hex(root.start)) says the largest gap below it is 77, and it is \(gap)"
    },
    Corruption(.areaTree, "a tree without its areas") {
      $0.kernel.areaSearch = .tree
      $0.poke(variable: KernelVariable.areaRoot, 0)
      return "the tree does not have the 3 areas of vmlist in their order"
    },
    Corruption(.lazyPages, "a count of lazily freed pages") {
      $0.poke(variable: KernelVariable.lazyPages, 3)
      return "vmap_lazy_nr is 3, but the areas that wait for a flush have 0 pages"
    },
  ]

  static let mappings = [
    Corruption(.areaPages, "an area that counts too few pages") {
      $0.poke($0.area.address + VMAreaLayout.pageCount, 4)
      return "the area at \(hex($0.area.start)) counts 4 pages and has room for 5"
    },
    Corruption(.areaPages, "a page array with a wild entry") {
      $0.poke($0.area.pages + 8, 0xC000_0001)
      return "entry 2 of the page array of the area at \(hex($0.area.start)) names no page"
    },
    Corruption(.areaMapping, "a cleared entry") {
      $0.changeLeaf($0.area.start + 2 * pageSize) { _ in 0 }
      return "page 2 of the area at \(hex($0.area.start)) is not mapped"
    },
    Corruption(.areaMapping, "an entry with another frame") {
      let other = $0.kernel.hardware.readPhysical($0.leaf($0.area.start))
      $0.changeLeaf($0.area.start + 2 * pageSize) { _ in other }
      return "page 2 of the area at \(hex($0.area.start)) is mapped to frame \($0.frame(0)), "
        + "but its page array names frame \($0.frame(2))"
    },
    Corruption(.areaPages, "a view whose array the caller gave back and somebody else overwrote") {
      let array = $0.kernel.kmalloc(12, .kernel)!
      $0.poke($0.view.address + VMAreaLayout.pages, array.rawValue)
      $0.poke(array + 4, 0x6B6B_6B6B)
      return "entry 1 of the page array of the area at \(hex($0.view.start)) names no page"
    },
    Corruption(.areaMapping, "a view of other pages than the caller's") {
      let other = $0.kernel.hardware.readPhysical($0.leaf($0.area.start + 4 * pageSize))
      $0.changeLeaf($0.view.start + pageSize) { _ in other }
      return "page 1 of the area at \(hex($0.view.start)) is mapped to frame \($0.frame(4)), "
        + "but its page array names frame \($0.frame(1))"
    },
    Corruption(.busMapping, "a bus area out of order") {
      $0.changeLeaf($0.bus.start + pageSize) { $0 + 0x5000 }
      return
        "page 1 of the area at \(hex($0.bus.start)) shows bus address 00000000e0006000 instead of 00000000e0001000"
    },
    Corruption(.cacheMode, "a page of a bus area without PCD") {
      $0.changeLeaf($0.bus.start) { $0 & ~0x10 }
      return "page 0 of the area at \(hex($0.bus.start)) is mapped without PCD, and was asked for with it"
    },
    Corruption(.cacheMode, "a whole bus area without the PCD that was asked for") {
      $0.changeLeaf($0.bus.start) { $0 & ~0x10 }
      $0.changeLeaf($0.bus.start + pageSize) { $0 & ~0x10 }
      return "page 1 of the area at \(hex($0.bus.start)) is mapped without PCD, and was asked for with it"
    },
    Corruption(.cacheMode, "an area of memory with PCD") {
      $0.changeLeaf($0.area.start + 4 * pageSize) { $0 | 0x10 }
      return "page 4 of the area at \(hex($0.area.start)) is mapped with PCD, and was asked for without"
    },
    Corruption(.areaRights, "a view that may be executed and not written") {
      $0.changeLeaf($0.view.start + 2 * pageSize) { $0 & ~(1 << 63 | 2) }
      let entry = $0.kernel.hardware.readPhysical($0.leaf($0.view.start + 2 * pageSize))
      return "page 2 of the area at \(hex($0.view.start)) is mapped by \(hex(entry)) and was asked for with "
        + "\(hex(PageTableFlags.kernel.rawValue)): they differ in R/W, XD"
    },
    Corruption(.guardPage, "a mapped guard page") {
      let other = $0.kernel.hardware.readPhysical($0.leaf($0.area.start))
      $0.changeLeaf($0.area.guardPage) { _ in other }
      return
        "the guard page \(hex($0.area.guardPage)) of the area at \(hex($0.area.start)) is mapped to frame "
        + "\($0.frame(0))"
    },
    Corruption(.strayMapping, "a page mapped in no area") {
      let stray = $0.bus.end + 0x1_0000
      let other = $0.kernel.hardware.readPhysical($0.leaf($0.area.start))
      $0.changeLeaf(stray) { _ in other }
      return "\(hex(stray)) is mapped to frame \($0.frame(0)), but lies in no area"
    },
    Corruption(.strayMapping, "an area taken out of the list and left mapped") {
      $0.poke($0.area.address, $0.bus.address.rawValue)
      return "\(hex($0.view.start)) is mapped to frame \($0.frame(0)), but lies in no area"
    },
    Corruption(.kernelRights, "a page open to ring 3") {
      $0.changeLeaf($0.area.start + pageSize) { $0 | 4 }
      return "\(hex($0.area.start + pageSize)) is open to ring 3"
    },
    Corruption(.directMap, "a direct map that shows other memory") {
      $0.kernel.hardware.writePhysical(
        $0.kernel.physicalAddress(of: $0.kernel.swapperPageDirectory + 300 * 8), 0x1E3)
      return "e5800000 in the direct map does not show physical 0000000025800000 by a large page"
    },
  ]
}
