import IA32
import KernelAudit
import MiniKernel

@testable import Emulator

/// The kernel's hardware on the host: a whole emulated machine whose processor executes nothing. The kernel takes the
/// processor's place: each of its loads and stores goes through the machine's MMU, TLB and bus as an instruction's would,
/// and CR3, INVLPG and ports are the machine's.
///
/// A page fault goes to the kernel's own handler, as the trap glue would bring it there, and the access is made again;
/// what the handler does not repair is kept in `unrepairedFaults`, where the guest's kernel would have died.
final class EmulatedHardware: Hardware {
  let machine: Machine
  /// Faults that neither the kernel's handler repaired nor a probe expected.
  var unrepairedFaults: [GuestFault] = []
  /// False makes the processor one without them.
  var hasPerformanceCounters = true
  private var printed: [UInt8] = []

  /// Where the boot code of this machine puts the kernel: 16 pages from 1 MiB on, the variables first.
  static let imageStart: UInt64 = 0x10_0000
  static let imageBytes: UInt64 = 0x1_0000

  init(
    bytes: UInt64, physicalAddressBits: Int = 36,
    features: MiniKernel.CPUFeatures = [.globalPages, .noExecute]
  )
    throws
  {
    machine = try Machine(
      MachineConfiguration(memoryBytes: bytes, physicalAddressBits: physicalAddressBits, rom: []))
    try bootPaging(features, physicalAddressBits)
  }

  /// What `boot.S` does before it calls Swift: the reference tables, written by physical address, and paging on.
  private func bootPaging(_ features: MiniKernel.CPUFeatures, _ physicalAddressBits: Int) throws {
    let variables = Self.imageStart
    let directory = variables + UInt64(KernelVariable.swapperPageDirectory)
    let pointers = variables + UInt64(KernelVariable.swapperPointerTable)
    for index in 0..<UInt64(448) { writePhysical(directory + index * 8, index << 21 | 0x1E3) }
    writePhysical(pointers + 24, directory | 1)
    writePhysical32(variables + UInt64(KernelVariable.cpuFeatures), features.rawValue)
    writePhysical32(variables + UInt64(KernelVariable.physicalAddressBits), UInt32(physicalAddressBits))
    if features.contains(.noExecute) { try machine.writeEFER(EFER.noExecuteEnable) }
    var cr4: CR4 = [.physicalAddressExtension]
    if features.contains(.globalPages) { cr4.insert(.pageGlobalEnable) }
    try machine.moveToCR4(cr4)
    try machine.moveToCR3(UInt32(pointers))
    try machine.moveToCR0([.protectionEnable, .paging, .writeProtect])
    // Eight data bits, as firmware leaves the port: the kernel may report something before it starts its console.
    bus.writePort(0x3FB, width: .byte, value: 0x03)
  }

  // MARK: What tests look at

  var memory: PhysicalMemory { machine.memory }
  var bus: Bus { machine.bus }
  var mmu: MMU { machine.cpu.mmu }

  /// What came out of the serial port.
  var output: [UInt8] {
    get {
      printed += machine.takeSerialOutput(draining: true)
      return printed
    }
    set {
      _ = machine.takeSerialOutput(draining: true)
      printed = newValue
    }
  }

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

  // MARK: Memory

  /// Makes an access, and after a fault that the kernel repaired makes it again; nil after any other.
  @inline(__always)
  private func access<T>(_ body: () throws(GuestFault) -> T) -> T? {
    do { return try body() } catch {
      guard repairs(error) else { return nil }
      do { return try body() } catch {
        unrepairedFaults.append(error)
        return nil
      }
    }
  }

  /// Takes a fault to the kernel, as exception 14 would.
  private func repairs(_ fault: GuestFault) -> Bool {
    machine.cpu.state.pointee.cr2 = fault.linear
    let verdict = Kernel(self).handlePageFault(
      KernelAddress(fault.linear), PageFaultCode(rawValue: fault.errorCode))
    if verdict == .repaired { return true }
    unrepairedFaults.append(fault)
    return false
  }

  // After a fault that nobody repaired, a load gives ones, and a test finds the fault.

  func load8(_ address: KernelAddress) -> UInt8 {
    access { () throws(GuestFault) in try machine.load8(LinearAddress(address.rawValue)) } ?? .max
  }
  func load16(_ address: KernelAddress) -> UInt16 {
    access { () throws(GuestFault) in try machine.load16(LinearAddress(address.rawValue)) } ?? .max
  }
  func load32(_ address: KernelAddress) -> UInt32 {
    access { () throws(GuestFault) in try machine.load32(LinearAddress(address.rawValue)) } ?? .max
  }
  func load64(_ address: KernelAddress) -> UInt64 {
    UInt64(load32(address)) | UInt64(load32(address + 4)) << 32
  }
  func store8(_ address: KernelAddress, _ value: UInt8) {
    access { () throws(GuestFault) in try machine.store8(LinearAddress(address.rawValue), value) }
  }
  func store16(_ address: KernelAddress, _ value: UInt16) {
    access { () throws(GuestFault) in try machine.store16(LinearAddress(address.rawValue), value) }
  }
  func store32(_ address: KernelAddress, _ value: UInt32) {
    access { () throws(GuestFault) in try machine.store32(LinearAddress(address.rawValue), value) }
  }
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
      let linear = address.rawValue
      let physical = access { () throws(GuestFault) in
        try mmu.physical(linear, PageAccess(.write, user: false))
      }
      guard let physical, let page = bus.hostPageForWriting(physical >> 12) else { return }
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

  // MARK: Paging

  func invalidatePage(_ address: KernelAddress) { machine.invalidatePage(LinearAddress(address.rawValue)) }
  func readCR2() -> UInt32 { machine.cpu.state.pointee.cr2 }
  func readCR3() -> UInt32 { machine.cpu.state.pointee.cr3 }
  func writeCR3(_ value: UInt32) {
    do { try machine.moveToCR3(value) } catch { unrepairedFaults.append(error) }
  }
  func readCR4() -> UInt32 { machine.cpu.state.pointee.cr4.rawValue }
  func writeCR4(_ value: UInt32) {
    do { try machine.moveToCR4(CR4(rawValue: value)) } catch { unrepairedFaults.append(error) }
  }

  // MARK: Ports, interrupts, time

  /// The clock stands still between instructions that nobody executes, so the serial port sends what it has when the
  /// kernel waits for it.
  func portIn8(_ port: UInt16) -> UInt8 {
    if port == 0x3FD { machine.devices.serial.drain() }
    return UInt8(truncatingIfNeeded: bus.readPort(port, width: .byte))
  }
  func portOut8(_ port: UInt16, _ value: UInt8) { bus.writePort(port, width: .byte, value: UInt32(value)) }
  func saveAndDisableInterrupts() -> Bool { false }
  func restoreInterrupts(_ enabled: Bool) {}
  func waitForInterrupt() {}
  func readCycleCounter() -> UInt64 { machine.cycle }
  func writeMSR(_ index: UInt32, _ value: UInt64) -> Bool {
    hasPerformanceCounters && (try? machine.cpu.writeMSR(index, value)) != nil
  }
  func readPerformanceCounter(_ index: UInt32) -> UInt64? {
    hasPerformanceCounters ? try? machine.cpu.readPerformanceCounter(index) : nil
  }
  var framePointer: KernelAddress { .null }

  // MARK: The image

  var image: KernelImage {
    let start = AddressSpace.pageOffset + UInt32(Self.imageStart)
    return KernelImage(variables: start, start: start, end: start + UInt32(Self.imageBytes))
  }

  func exit(_ status: UInt8) -> Never {
    fatalError(
      "the kernel ended with status \(status): \(String(decoding: output.suffix(2000), as: UTF8.self))")
  }
}
