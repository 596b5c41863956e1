import Emulator

@testable import MiniKernel

// The model test's operations around the areas: processes, windows, memory that runs out, calls that must be refused.
extension KernelModel {
  mutating func changeProcess(_ operation: Operation) -> String? {
    switch operation {
    case .createProcess:
      if processes.count < 4, let process = kernel.createProcess() { processes.append(process) }
    case .switchProcess(let pick):
      let choice = Int(pick) % (processes.count + 1)
      kernel.switchTo(choice < processes.count ? processes[choice] : nil)
    case .destroyProcess(let pick):
      if let index = index(pick, of: processes.count) {
        kernel.destroyProcess(processes.remove(at: index))
      }
    case .mapUserPage(let pick, let page):
      if let index = index(pick, of: processes.count) {
        _ = kernel.mapUserPage(processes[index], KernelAddress(page << 12), writable: page % 2 == 0)
      }
    default: break
    }
    return nil
  }

  func kmap(_ pick: UInt32) -> String? {
    guard let index = index(pick, of: areas.count),
      let page = kernel.vmallocToPage(areas[index].start), let address = kernel.kmap(page)
    else { return nil }
    defer { kernel.kunmap(page) }
    let seen = kernel.hardware.load32(address)
    return seen == areas[index].tag ? nil : "kmap at \(hex(address)) shows another page"
  }

  /// Everything but what the watermarks keep back is taken; vmalloc must fail and change nothing.
  func exhaust() -> String? {
    var taken: [Page<EmulatedHardware>] = []
    var order: UInt32 = maxOrder
    while order > 0 {
      order -= 1
      while let page = kernel.allocatePages([.kernel, .highmem], order: order) { taken.append(page) }
    }
    let counts = kernel.freeCounts()
    let areasBefore = kernel[word: KernelVariable.vmlist]
    let result = try? kernel.vmalloc(64 * pageSize)
    let unchanged = kernel.freeCounts() == counts && kernel[word: KernelVariable.vmlist] == areasBefore
    for page in taken { kernel.freePages(page, order: page.order) }
    if let result {
      kernel.vfree(result)
      return "vmalloc of 64 pages found memory where there was none"
    }
    return unchanged ? nil : "a vmalloc that failed left something behind"
  }

  mutating func fragment(_ count: UInt32) -> String? {
    for page in kept { kernel.freePage(page) }
    kept = []
    var released: [Page<EmulatedHardware>] = []
    for index in 0..<count {
      guard let page = kernel.allocatePage(.highUser) else { break }
      if index % 2 == 0 { kept.append(page) } else { released.append(page) }
    }
    for page in released { kernel.freePage(page) }
    return nil
  }

  /// The kernel must report it, or refuse it with the right error, and change nothing.
  func badCall(_ pick: UInt32) -> String? {
    let counts = kernel.freeCounts()
    let list = kernel.areas.map(\.start)
    let warnings = kernel.warnings
    let area = index(pick >> 8, of: areas.count).map { areas[$0] }
    let view = index(pick >> 8, of: views.count).map { views[$0] }
    var mustWarn = true
    switch pick % 11 {
    case 0: kernel.vfree(kernel.vmallocStart + 8)
    case 1: kernel.vfree(kernel.vmallocEnd - 4 * pageSize)
    case 2: if let area { kernel.vunmap(area.start) } else { mustWarn = false }
    case 3: if let view { kernel.vfree(view.start) } else { mustWarn = false }
    case 4: if let area { kernel.iounmap(area.start) } else { mustWarn = false }
    case 5: if let area, area.pages > 1 { kernel.vfree(area.start + pageSize) } else { mustWarn = false }
    case 6: if (try? kernel.ioremap(16 << 20 - 4096, 4096)) != nil { return "ioremap of RAM was granted" }
    default:
      mustWarn = false
      if pick % 11 == 7 { kernel.vfree(.null) }
      if pick % 11 == 8, (try? kernel.vmalloc(0)) != nil { return "vmalloc of nothing was granted" }
      if pick % 11 == 9, (try? kernel.vmalloc(0xFFFF_F001)) != nil { return "vmalloc of 4 GiB was granted" }
      if pick % 11 == 10, (try? kernel.vmap(.null, count: 0)) != nil { return "vmap of nothing was granted" }
    }
    if mustWarn && kernel.warnings == warnings { return "bad call \(pick % 11) was not reported" }
    if !mustWarn && kernel.warnings != warnings { return "harmless call \(pick % 11) was reported" }
    return kernel.freeCounts() == counts && kernel.areas.map(\.start) == list
      ? nil : "bad call \(pick % 11) changed something"
  }
}
