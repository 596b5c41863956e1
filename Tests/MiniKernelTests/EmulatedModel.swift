import Emulator
import KernelAudit

@testable import MiniKernel

/// How the kernel is set up for a sequence.
struct ModelSetup: Sendable {
  var mebibytes: UInt64
  var policy = TLBFlushPolicy.eager
  var search = VMAreaSearch.list
  var huge = false
  /// No two free pages are neighbours at the start.
  var isFragmented = false

  var name: String {
    "\(mebibytes) MiB, \(policy), \(search)\(huge ? ", huge" : "")\(isFragmented ? ", fragmented" : "")"
  }
}

/// Why a sequence failed, and at which of its operations.
struct ModelFailure: Error, CustomStringConvertible {
  var index: Int
  var description: String
}

/// What there should be: areas, views and bus mappings as sets of what was given out, with the word that each page begins
/// with; and the kernel that should have it.
struct KernelModel {
  struct Area {
    var start: KernelAddress
    var pages: UInt32
    var below4GiB: Bool
    /// Page n begins with this plus n.
    var tag: UInt32
    /// Views of the area: it must outlive them.
    var views = 0
  }
  struct View {
    var start: KernelAddress
    var area: KernelAddress
    var pages: UInt32
  }

  let kernel: HostKernel
  var areas: [Area] = []
  var views: [View] = []
  var buses: [KernelAddress] = []
  var processes: [Process<EmulatedHardware>] = []
  var kept: [Page<EmulatedHardware>] = []
  private var nextTag: UInt32 = 0x1000
  private let fragmented: FragmentedMemory?
  private let before: FreeCounts

  init(_ setup: ModelSetup) throws {
    kernel = try startedKernel(setup.mebibytes * mebibyte)
    kernel.tlbFlushPolicy = setup.policy
    kernel.areaSearch = setup.search
    kernel.allowsHugePages = setup.huge
    fragmented = setup.isFragmented ? kernel.fragmentMemory(crumbs: 8192) : nil
    before = kernel.freeCounts()
    kernel.muteConsole(true)
  }

  /// Runs the sequence, with an audit after every `batch` operations and at the end, when everything is given back.
  static func run(_ operations: [Operation], _ setup: ModelSetup, batch: Int) throws -> ModelFailure? {
    var model = try KernelModel(setup)
    for (index, operation) in operations.enumerated() {
      var problem = model.perform(operation)
      if problem == nil, (index + 1) % batch == 0 { problem = try model.kernel.audit().first }
      if let problem { return ModelFailure(index: index, description: problem) }
    }
    if let problem = try model.finish() {
      return ModelFailure(index: operations.count - 1, description: problem)
    }
    return nil
  }

  // MARK: Operations; each returns what is wrong, or nil

  mutating func perform(_ operation: Operation) -> String? {
    let warnings = kernel.warnings
    let problem: String?
    switch operation {
    case .vmalloc(let bytes): problem = allocate(bytes, below4GiB: false)
    case .vmalloc32(let bytes): problem = allocate(bytes, below4GiB: true)
    case .vfree(let pick): problem = free(pick)
    case .vmap(let pick, let count): problem = map(pick, count)
    case .vunmap(let pick): problem = unmap(pick)
    case .ioremap(let page, let bytes, let noCache): problem = remap(page, bytes, noCache)
    case .iounmap(let pick): problem = unmapBus(pick)
    case .write(let pick): problem = rewrite(pick)
    case .check(let pick): problem = check(pick)
    case .createProcess, .switchProcess, .destroyProcess, .mapUserPage:
      problem = changeProcess(operation)
    case .kmap(let pick): problem = kmap(pick)
    case .exhaust: problem = exhaust()
    case .fragment(let count): problem = fragment(count)
    case .badCall(let pick): return badCall(pick)
    case .releaseEmptyTables:
      kernel.releaseEmptyTables()
      problem = nil
    case .purge:
      kernel.purgeLazyAreas()
      problem = nil
    case .breakFlush:
      kernel.tlbFlushPolicy = .never
      problem = nil
    }
    if let problem { return problem }
    if kernel.warnings != warnings { return "the kernel reported something about a good call: \(operation)" }
    if let fault = kernel.hardware.unrepairedFaults.first {
      return "fault at \(hex(UInt64(fault.linear), 8)), error code \(fault.errorCode), in \(operation)"
    }
    return nil
  }

  func index(_ pick: UInt32, of count: Int) -> Int? { count == 0 ? nil : Int(pick) % count }

  private mutating func allocate(_ bytes: UInt32, below4GiB: Bool) -> String? {
    guard let start = try? below4GiB ? kernel.vmalloc32(bytes) : kernel.vmalloc(bytes) else { return nil }
    let area = Area(
      start: start, pages: pageAligned(bytes) >> pageShift, below4GiB: below4GiB, tag: nextTag)
    nextTag &+= 0x1000
    for other in areas where start < other.start + other.pages << 12 && other.start < start + area.pages << 12
    {
      return "vmalloc gave \(hex(start)), inside the area at \(hex(other.start))"
    }
    fill(area)
    areas.append(area)
    return nil
  }

  private func fill(_ area: Area) {
    for page in 0..<area.pages { kernel.hardware.store32(area.start + page << pageShift, area.tag &+ page) }
  }

  private mutating func free(_ pick: UInt32) -> String? {
    guard let index = index(pick, of: areas.count), areas[index].views == 0 else { return nil }
    let area = areas.remove(at: index)
    kernel.vfree(area.start)
    return expectGone(area.start)
  }

  private func expectGone(_ start: KernelAddress) -> String? {
    if kernel.vmallocToPage(start) != nil { return "\(hex(start)) is mapped after it was given back" }
    if kernel.tlbFlushPolicy != .lazy, kernel.hardware.probeLoad32(start) != nil {
      return "\(hex(start)) can be read after it was given back"
    }
    return nil
  }

  private mutating func map(_ pick: UInt32, _ count: UInt32) -> String? {
    guard let index = index(pick, of: areas.count), let owner = kernel.findVMArea(areas[index].start) else {
      return nil
    }
    let pages = min(count, areas[index].pages)
    guard let start = try? kernel.vmap(owner.pages, count: pages) else { return nil }
    areas[index].views += 1
    views.append(View(start: start, area: areas[index].start, pages: pages))
    for page in 0..<pages where kernel.hardware.load32(start + page << pageShift) != areas[index].tag &+ page
    {
      return "the view at \(hex(start)) does not show page \(page) of the area at \(hex(areas[index].start))"
    }
    return nil
  }

  private mutating func unmap(_ pick: UInt32) -> String? {
    guard let index = index(pick, of: views.count) else { return nil }
    let view = views.remove(at: index)
    guard let owner = areas.firstIndex(where: { $0.start == view.area }) else {
      return "a view without its area"
    }
    areas[owner].views -= 1
    kernel.vunmap(view.start)
    return expectGone(view.start)
  }

  private mutating func remap(_ page: UInt32, _ bytes: UInt32, _ noCache: Bool) -> String? {
    let physical = 0xE000_0000 + UInt64(page) << 12 + UInt64(bytes & 0xFFF)
    let start = try? noCache ? kernel.ioremapNoCache(physical, bytes) : kernel.ioremap(physical, bytes)
    guard let start else { return nil }
    buses.append(start)
    if UInt64(start.pageOffset) != physical & 0xFFF { return "ioremap lost the offset in the page" }
    guard let entry = kernel.kernelTableEntry(start).map({ kernel.entry(at: $0) }) else {
      return "ioremap gave \(hex(start)), which is not mapped"
    }
    if entry.flags.contains(.cacheDisabled) != noCache { return "PCD is not as asked at \(hex(start))" }
    return kernel.hardware.load8(start) == 0xFF ? nil : "an empty bus did not read as ones at \(hex(start))"
  }

  private mutating func unmapBus(_ pick: UInt32) -> String? {
    guard let index = index(pick, of: buses.count) else { return nil }
    let start = buses.remove(at: index)
    kernel.iounmap(start)
    return expectGone(start.pageStart)
  }

  /// Writes through a view when the area has one, so that what `check` reads came by another address.
  private mutating func rewrite(_ pick: UInt32) -> String? {
    guard let index = index(pick, of: areas.count) else { return nil }
    areas[index].tag = nextTag
    nextTag &+= 0x1000
    fill(areas[index])
    if let view = views.first(where: { $0.area == areas[index].start }) {
      for page in 0..<view.pages {
        kernel.hardware.store32(view.start + page << pageShift, areas[index].tag &+ page)
      }
    }
    return nil
  }

  private func check(_ pick: UInt32) -> String? {
    guard let index = index(pick, of: areas.count) else { return nil }
    let area = areas[index]
    for number in 0..<area.pages {
      let linear = area.start + number << pageShift
      if kernel.hardware.load32(linear) != area.tag &+ number {
        return "\(hex(linear)) holds \(hex(UInt64(kernel.hardware.load32(linear)), 8)), "
          + "not \(hex(UInt64(area.tag &+ number), 8))"
      }
      guard let page = kernel.vmallocToPage(linear) else { return "\(hex(linear)) has no page" }
      let physical = kernel.physicalAddress(of: page)
      if area.below4GiB && physical >= 4 * gibibyte { return "vmalloc_32 gave a page at \(hex(physical))" }
      if kernel.hardware.readPhysical32(physical) != area.tag &+ number {
        return "the frame at \(hex(physical)) does not hold what was written at \(hex(linear))"
      }
    }
    if kernel.tlbFlushPolicy != .lazy,
      kernel.hardware.probeLoad32(area.start + area.pages << pageShift) != nil
    {
      return "the guard page of the area at \(hex(area.start)) can be read"
    }
    return nil
  }

  // MARK: The end

  /// Gives everything back; then every zone must have what it had.
  private mutating func finish() throws -> String? {
    while !views.isEmpty { if let problem = unmap(0) { return problem } }
    while !areas.isEmpty {
      if let problem = check(0) ?? free(0) { return problem }
    }
    while !buses.isEmpty { if let problem = unmapBus(0) { return problem } }
    for process in processes { kernel.destroyProcess(process) }
    _ = fragment(0)
    kernel.flushAllZeroKmaps()
    kernel.purgeLazyAreas()
    kernel.releaseEmptyTables()
    if kernel.freeCounts() != before { return "not every page came back" }
    if !kernel.vmlist.isNull { return "vmlist is not empty" }
    if let fragmented { kernel.releaseFragmentedMemory(fragmented) }
    return try kernel.audit().first
  }
}
