import IA32
import Testing

@testable import Emulator
@testable import MiniKernel

/// A block of registers that keeps what is written and counts accesses.
private final class TestDevice: BusDevice {
  let name = "test device"
  let dataWidth = AccessWidth.doubleword
  var registers: [UInt64: UInt64] = [:]
  var reads = 0

  func read(offset: UInt64, width: AccessWidth) -> UInt64 {
    reads += 1
    return registers[offset] ?? 0
  }

  func write(offset: UInt64, width: AccessWidth, value: UInt64) { registers[offset] = value }
}

@Suite("ioremap")
struct IoremapTests {
  @Test(
    "a device below and one above 4 GiB is driven through the mapping",
    arguments: [0xFD00_0000, 0xE_0000_0000] as [UInt64])
  func device(physical: UInt64) throws {
    let kernel = try startedKernel(1024 * mebibyte)
    let before = kernel.freeCounts()
    let device = TestDevice()
    try kernel.hardware.bus.addMMIO(device, at: physical..<physical + 0x2000)
    let address = try kernel.ioremapNoCache(physical + 0x1010, 0x20)
    #expect(address.pageOffset == 0x10)
    let area = try #require(kernel.findVMArea(address.pageStart))
    #expect(area.flags == .ioremap && area.physicalAddress == physical + 0x1000 && area.size == 2 * pageSize)
    let entry = kernel.entry(at: try #require(kernel.kernelTableEntry(address)))
    #expect(entry.flags.contains(.cacheDisabled))
    kernel.hardware.store32(address + 4, 0xCAFE)
    #expect(device.registers[0x1014] == 0xCAFE)
    #expect(kernel.hardware.load32(address + 4) == 0xCAFE && device.reads == 1)
    let held = kernel.hardware.mmu.data4K.find(address.rawValue >> 12)
    #expect(held?.pointee.translation.isCacheDisabled == true)
    #expect(kernel.hardware.probeLoad32(area.guardPage) == nil)
    kernel.iounmap(address)
    #expect(kernel.hardware.probeLoad32(address) == nil)
    kernel.releaseEmptyTables()
    #expect(kernel.freeCounts() == before && kernel.vmlist.isNull)
  }

  @Test("a page mapped with PCD is never cached, and the machine counts each of its accesses as uncached")
  func uncachedAccesses() throws {
    let kernel = try startedKernel(64 * mebibyte)
    let page = try #require(kernel.allocatePage(.highUser))
    let array = try #require(kernel.kmalloc(4, .kernel))
    kernel.hardware.store32(array, page.address.rawValue)
    for (protection, uncached) in [(.kernel, 0), (.kernelNoCache, 10)] as [(PageTableFlags, UInt64)] {
      let start = try kernel.vmap(array, count: 1, .map, protection)
      let before = kernel.hardware.machine.counters.caches.uncachedAccesses
      for offset in 0..<UInt32(10) { _ = kernel.hardware.load32(start + offset * 4) }
      #expect(kernel.hardware.machine.counters.caches.uncachedAccesses - before == uncached)
      #expect(try kernel.audit() == [])
      kernel.vunmap(start)
    }
  }

  @Test("RAM, wrapping ranges and addresses beyond the processor's are refused")
  func refusals() throws {
    let kernel = try startedKernel(6144 * mebibyte)
    let counts = kernel.freeCounts()
    #expect(throws: VmallocError.ordinaryRAM) { try kernel.ioremap(32 << 20, 4096) }
    #expect(throws: VmallocError.ordinaryRAM) { try kernel.ioremap(5 << 30, 4096) }
    #expect(throws: VmallocError.ordinaryRAM) { try kernel.ioremap(3 << 30 - 1, 2) }
    #expect(throws: VmallocError.badSize) { try kernel.ioremap(0xE000_0000, 0) }
    #expect(throws: VmallocError.badPhysicalAddress) { try kernel.ioremap(.max - 10, 100) }
    #expect(throws: VmallocError.badPhysicalAddress) { try kernel.ioremap(1 << 36, 4096) }
    #expect(kernel.freeCounts() == counts && kernel.vmlist.isNull)
  }

  @Test("ISA's range comes from the direct map, and unmapping it does nothing")
  func isa() throws {
    let kernel = try startedKernel(64 * mebibyte)
    let address = try kernel.ioremap(0xB8000, 4000)
    #expect(address == AddressSpace.pageOffset + 0xB8000)
    #expect(!kernel.reports { kernel.iounmap(address) })
  }

  @Test("areas are aligned to their size, up to 512 KiB")
  func alignment() throws {
    let kernel = try startedKernel(64 * mebibyte)
    _ = try kernel.vmalloc(pageSize)
    for (size, alignment) in [(0x3000, 0x4000), (0x10000, 0x10000), (0x20_0000, 0x8_0000)]
      as [(UInt32, UInt32)]
    {
      let address = try kernel.ioremap(0xE000_0000, size)
      #expect(address.rawValue % alignment == 0)
    }
  }
}

@Suite("Processes")
struct ProcessTests {
  @Test("a directory entry that the running table lacks is copied from the reference table, once")
  func vmallocFault() throws {
    let kernel = try startedKernel(64 * mebibyte)
    let before = kernel.freeCounts()
    let process = try #require(kernel.createProcess())
    kernel.switchTo(process)
    let start = try kernel.vmalloc(3 << 20)
    let faults = kernel[word: KernelVariable.vmallocFaults]
    kernel.hardware.store32(start, 17)
    kernel.hardware.store32(start + 4096, 18)
    #expect(kernel[word: KernelVariable.vmallocFaults] == faults + 1, "one entry, one fault")
    kernel.hardware.store32(start + 2 << 20, 19)
    #expect(kernel[word: KernelVariable.vmallocFaults] == faults + 2)
    kernel.switchTo(nil)
    #expect(kernel.hardware.load32(start) == 17)
    // Not the vmalloc range, or not in the reference table either: a real fault.
    #expect(kernel.handlePageFault(start + 64 << 20, []) == .kernelError)
    #expect(kernel.handlePageFault(KernelAddress(0x1000), []) == .kernelError)
    #expect(kernel.handlePageFault(start, .protection) == .kernelError)
    #expect(kernel.handlePageFault(start, .user) == .userError)
    kernel.switchTo(process)
    kernel.vfree(start)
    #expect(kernel.hardware.probeLoad32(start) == nil, "freed for the process, too")
    #expect(kernel.releaseEmptyTables() > 0)
    kernel.destroyProcess(process)
    #expect(kernel.freeCounts() == before)
    #expect(kernel.hardware.unrepairedFaults.isEmpty)
  }

  @Test("processes see their own pages and the same kernel; all is given back at the end")
  func addressSpaces() throws {
    let kernel = try startedKernel(64 * mebibyte)
    let before = kernel.freeCounts()
    let address = KernelAddress(0x0804_8000)
    let processes = try (0..<3).map { _ in try #require(kernel.createProcess()) }
    let shared = try kernel.vmalloc(pageSize)
    for process in processes {
      _ = try #require(kernel.mapUserPage(process, address, writable: true))
      #expect(kernel.mapUserPage(process, address, writable: true) == nil, "taken")
      #expect(kernel.mapUserPage(process, kernel.vmallocStart, writable: true) == nil, "the kernel's")
      kernel.switchTo(process)
      kernel.hardware.store32(address, process.pid)
      kernel.hardware.store32(shared, process.pid)
    }
    for process in processes {
      kernel.switchTo(process)
      #expect(kernel.hardware.load32(address) == process.pid)
      #expect(kernel.hardware.load32(shared) == processes[2].pid)
    }
    kernel.vfree(shared)
    processes.forEach { kernel.destroyProcess($0) }
    #expect(kernel.currentProcess == nil)
    #expect(kernel.hardware.probeLoad32(address) == nil)
    kernel.releaseEmptyTables()
    #expect(kernel.freeCounts() == before)
    #expect(kernel.hardware.unrepairedFaults.isEmpty)
  }

  @Test("ring 3 may not touch vmalloc memory")
  func userAccess() throws {
    let kernel = try startedKernel(64 * mebibyte)
    let start = try kernel.vmalloc(pageSize)
    kernel.hardware.store32(start, 1)
    #expect(throws: GuestFault.self) {
      _ = try kernel.hardware.mmu.physical(start.rawValue, PageAccess(.read, user: true))
    }
  }

  @Test("a process that there is no memory for leaves nothing behind")
  func failures() throws {
    let kernel = try startedKernel(64 * mebibyte)
    let before = kernel.freeCounts()
    var nth: UInt32 = 1
    while true {
      kernel[word: KernelVariable.failPageAllocation] = nth
      let process = kernel.createProcess()
      kernel[word: KernelVariable.failPageAllocation] = 0
      if let process {
        kernel.destroyProcess(process)
        #expect(kernel.freeCounts() == before)
        break
      }
      #expect(kernel.freeCounts() == before, "allocation \(nth)")
      nth += 1
    }
    #expect(nth > 4)
  }
}
