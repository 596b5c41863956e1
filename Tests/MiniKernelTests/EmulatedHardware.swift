import IA32
import MiniKernel

@testable import Emulator

/// The kernel's hardware on the host: an emulated machine's memory, bus and paging unit, TLB and all, without a CPU.
///
/// Every access of the kernel is translated as the machine translates a supervisor's, through the TLB arrays and the one
/// page walker. A fault goes to the kernel's own handler, as the trap glue would bring it there; what that does not
/// repair is kept in `unrepairedFaults`.
final class EmulatedHardware: Hardware {
  let memory: PhysicalMemory
  let bus: Bus
  let clock = Clock()
  let state: UnsafeMutablePointer<CPUState>
  let mmu: MMU
  /// What came out of the serial port.
  var output: [UInt8] = []
  /// Faults that neither the kernel's handler repaired nor a probe expected.
  var unrepairedFaults: [GuestFault] = []
  private var cr2: UInt32 = 0

  /// Where the boot code of this machine puts the kernel: 16 pages from 1 MiB on, the variables first.
  static let imageStart: UInt64 = 0x10_0000
  static let imageBytes: UInt64 = 0x1_0000

  init(bytes: UInt64, physicalAddressBits: Int = 36, features: CPUFeatures = [.globalPages, .noExecute])
    throws
  {
    memory = try PhysicalMemory(bytes: bytes)
    bus = try Bus(memory: memory, physicalAddressBits: physicalAddressBits)
    state = .allocate(capacity: 1)
    state.initialize(to: CPUState())
    mmu = MMU(
      state: state, memory: memory, bus: bus, clock: clock, code: BlockCache(memory: memory),
      addressWidth: UInt8(physicalAddressBits), geometry: .p6,
      caches: CacheHierarchy(.p6, latencies: Latencies(), isOn: false, clock: clock, memory: memory))
    try bootPaging(features, physicalAddressBits)
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// What `boot.S` does before it calls Swift: the reference tables, and paging on.
  private func bootPaging(_ features: CPUFeatures, _ physicalAddressBits: Int) throws {
    let variables = Self.imageStart
    let directory = variables + UInt64(KernelVariable.swapperPageDirectory)
    let pointers = variables + UInt64(KernelVariable.swapperPointerTable)
    for index in 0..<UInt64(448) { writePhysical(directory + index * 8, index << 21 | 0x1E3) }
    writePhysical(pointers + 24, directory | 1)
    writePhysical32(variables + UInt64(KernelVariable.cpuFeatures), features.rawValue)
    writePhysical32(variables + UInt64(KernelVariable.physicalAddressBits), UInt32(physicalAddressBits))
    if features.contains(.noExecute) { mmu.setEFER(EFER.noExecuteEnable) }
    try mmu.loadCR3(UInt32(pointers))
    var cr4: CR4 = [.physicalAddressExtension]
    if features.contains(.globalPages) { cr4.insert(.pageGlobalEnable) }
    try mmu.setControlRegisters(cr0: [.protectionEnable, .paging, .writeProtect], cr4: cr4)
  }

  // MARK: Physical memory, as an onlooker sees it

  func readPhysical(_ address: UInt64) -> UInt64 {
    memory.hostPage(address >> 12)!.loadUnaligned(fromByteOffset: Int(address & 0xFFF), as: UInt64.self)
  }

  func readPhysical32(_ address: UInt64) -> UInt32 {
    memory.hostPage(address >> 12)!.loadUnaligned(fromByteOffset: Int(address & 0xFFF), as: UInt32.self)
  }

  func writePhysical(_ address: UInt64, _ value: UInt64) {
    memory.hostPage(address >> 12)!.storeBytes(of: value, toByteOffset: Int(address & 0xFFF), as: UInt64.self)
  }

  func writePhysical32(_ address: UInt64, _ value: UInt32) {
    memory.hostPage(address >> 12)!.storeBytes(of: value, toByteOffset: Int(address & 0xFFF), as: UInt32.self)
  }

  // MARK: Translation

  /// The physical address of an access; nil after a fault that the kernel did not repair.
  private func translate(_ address: UInt32, _ kind: PageAccess.Kind) -> UInt64? {
    for _ in 0..<2 {
      do {
        return try mmu.physical(address, PageAccess(kind, user: false))
      } catch {
        cr2 = error.linear
        let kernel = Kernel(self)
        let verdict = kernel.handlePageFault(
          KernelAddress(error.linear), PageFaultCode(rawValue: error.errorCode))
        if verdict != .repaired {
          unrepairedFaults.append(error)
          return nil
        }
      }
    }
    return nil
  }

  private func load<W: FixedWidthInteger & UnsignedInteger>(_ address: KernelAddress, _: W.Type) -> W {
    guard let physical = translate(address.rawValue, .read) else { return .max }
    if let page = bus.hostPageForWriting(physical >> 12) {
      return page.loadUnaligned(fromByteOffset: Int(physical & 0xFFF), as: W.self)
    }
    return W(truncatingIfNeeded: bus.read(physical, width: AccessWidth(rawValue: UInt8(W.bitWidth / 8))!))
  }

  private func store<W: FixedWidthInteger & UnsignedInteger>(_ address: KernelAddress, _ value: W) {
    guard let physical = translate(address.rawValue, .write) else { return }
    if let page = bus.hostPageForWriting(physical >> 12) {
      page.storeBytes(of: value, toByteOffset: Int(physical & 0xFFF), as: W.self)
    } else {
      bus.write(physical, width: AccessWidth(rawValue: UInt8(W.bitWidth / 8))!, value: UInt64(value))
    }
  }

  // MARK: Hardware

  func load8(_ address: KernelAddress) -> UInt8 { load(address, UInt8.self) }
  func load16(_ address: KernelAddress) -> UInt16 { load(address, UInt16.self) }
  func load32(_ address: KernelAddress) -> UInt32 { load(address, UInt32.self) }
  func load64(_ address: KernelAddress) -> UInt64 {
    UInt64(load32(address)) | UInt64(load32(address + 4)) << 32
  }
  func store8(_ address: KernelAddress, _ value: UInt8) { store(address, value) }
  func store16(_ address: KernelAddress, _ value: UInt16) { store(address, value) }
  func store32(_ address: KernelAddress, _ value: UInt32) { store(address, value) }
  func store64(_ address: KernelAddress, _ value: UInt64) {
    store32(address, UInt32(truncatingIfNeeded: value))
    store32(address + 4, UInt32(truncatingIfNeeded: value >> 32))
  }

  /// Translates once a page, as the machine's REP STOSD does.
  func fill32(_ address: KernelAddress, count: UInt32, with value: UInt32) {
    var address = address
    var left = count
    while left > 0 {
      let here = min(left, (pageSize - address.pageOffset) / 4)
      guard let physical = translate(address.rawValue, .write),
        let page = bus.hostPageForWriting(physical >> 12)
      else { return }
      let words = (page + Int(physical & 0xFFF)).assumingMemoryBound(to: UInt32.self)
      words.update(repeating: value, count: Int(here))
      address = address + here * 4
      left -= here
    }
  }

  func probeLoad32(_ address: KernelAddress) -> UInt32? {
    let before = unrepairedFaults.count
    let value = load32(address)
    if unrepairedFaults.count == before { return value }
    unrepairedFaults.removeLast()
    return nil
  }

  func probeStore32(_ address: KernelAddress, _ value: UInt32) -> Bool {
    let before = unrepairedFaults.count
    store32(address, value)
    if unrepairedFaults.count == before { return true }
    unrepairedFaults.removeLast()
    return false
  }

  func invalidatePage(_ address: KernelAddress) { mmu.invalidatePage(address.rawValue) }
  func readCR2() -> UInt32 { cr2 }
  func readCR3() -> UInt32 { state.pointee.cr3 }
  func writeCR3(_ value: UInt32) {
    do { try mmu.loadCR3(value) } catch { unrepairedFaults.append(error) }
  }
  func readCR4() -> UInt32 { state.pointee.cr4.rawValue }
  func writeCR4(_ value: UInt32) {
    do {
      try mmu.setControlRegisters(cr0: state.pointee.cr0, cr4: CR4(rawValue: value))
    } catch { unrepairedFaults.append(error) }
  }

  /// A serial port that is always ready; no other port is wired.
  func portIn8(_ port: UInt16) -> UInt8 { port == 0x3FD ? 0x60 : 0xFF }
  func portOut8(_ port: UInt16, _ value: UInt8) { if port == 0x3F8 { output.append(value) } }
  func saveAndDisableInterrupts() -> Bool { false }
  func restoreInterrupts(_ enabled: Bool) {}
  func waitForInterrupt() {}
  func readCycleCounter() -> UInt64 { clock.now }
  var framePointer: KernelAddress { .null }

  var image: KernelImage {
    let start = AddressSpace.pageOffset + UInt32(Self.imageStart)
    return KernelImage(variables: start, start: start, end: start + UInt32(Self.imageBytes))
  }

  func exit(_ status: UInt8) -> Never {
    fatalError(
      "the kernel ended with status \(status): \(String(decoding: output.suffix(2000), as: UTF8.self))")
  }
}
