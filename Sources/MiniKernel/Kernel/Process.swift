// Address spaces. Each process has its own page-directory-pointer table and four page directories: three for its own
// 3 GiB and one for the kernel's, copied from the reference table when the process is made. All four exist from the
// start and never move, because the processor reads the pointer table only when CR3 is loaded. What the reference
// directory gets later, the page-fault handler copies (`vmallocFault`).

/// A process, as far as memory goes.
public struct Process<HW: Hardware>: KernelStructure {
  /// What executes the loads and stores.
  public let hardware: HW
  /// The address of the descriptor.
  public let address: KernelAddress

  /// The next older process, or null.
  public var next: KernelAddress {
    get { KernelAddress(self[word: ProcessLayout.next]) }
    nonmutating set { self[word: ProcessLayout.next] = newValue.rawValue }
  }

  /// The number of the process.
  public var pid: UInt32 {
    get { self[word: ProcessLayout.pid] }
    nonmutating set { self[word: ProcessLayout.pid] = newValue }
  }

  /// Its page-directory-pointer table (`mm->pgd`).
  public var pointerTable: KernelAddress {
    get { KernelAddress(self[word: ProcessLayout.pointerTable]) }
    nonmutating set { self[word: ProcessLayout.pointerTable] = newValue.rawValue }
  }

  /// Pages mapped below 3 GiB.
  public var userPages: UInt32 {
    get { self[word: ProcessLayout.userPages] }
    nonmutating set { self[word: ProcessLayout.userPages] = newValue }
  }
}

extension Kernel {
  /// The process that runs; nil while the kernel runs on the reference table (Linux's idle task with `init_mm`).
  public var currentProcess: Process<HW>? {
    let current = KernelAddress(self[word: KernelVariable.currentProcess])
    return current.isNull ? nil : Process(hardware: hardware, address: current)
  }

  /// Calls `body` with every process, newest first.
  public func forEachProcess(_ body: (Process<HW>) -> Void) {
    var next = KernelAddress(self[word: KernelVariable.processList])
    while !next.isNull {
      let process = Process(hardware: hardware, address: next)
      next = process.next
      body(process)
    }
  }

  /// A new, empty address space; nil when there is no memory for it (`mm_alloc`, `pgd_alloc`).
  public func createProcess() -> Process<HW>? {
    beginUpdate()
    defer { endUpdate() }
    guard let descriptor = kmalloc(ProcessLayout.byteCount, [.kernel, .zero]) else { return nil }
    let process = Process(hardware: hardware, address: descriptor)
    // 32 bytes, so 32-byte aligned, as CR3 demands; lowmem, so below 4 GiB, as it demands too.
    guard let table = kmalloc(32, [.kernel, .zero]) else {
      kfree(descriptor)
      return nil
    }
    process.pointerTable = table
    for slot in 0..<UInt32(4) {
      guard let directory = allocateTable() else {
        freeTables(of: process)
        kfree(table)
        kfree(descriptor)
        return nil
      }
      // Entries of the pointer table have P and the address; all other low bits but PWT and PCD are reserved.
      setEntry(table + slot &* 8, PageTableEntry(physicalAddress(of: directory), .present))
      if slot == 3 { copyPage(from: swapperPageDirectory, to: directory) }
    }
    process.pid = self[word: KernelVariable.lastPID] &+ 1
    self[word: KernelVariable.lastPID] = process.pid
    process.next = KernelAddress(self[word: KernelVariable.processList])
    self[word: KernelVariable.processList] = descriptor.rawValue
    return process
  }

  private func copyPage(from source: KernelAddress, to target: KernelAddress) {
    var offset: UInt32 = 0
    while offset < pageSize {
      hardware.store32(target + offset, hardware.load32(source + offset))
      offset &+= 4
    }
  }

  /// Runs on `process`'s address space from now on; nil is the reference table (`switch_mm`): a load of CR3, which
  /// keeps the kernel's global translations.
  public func switchTo(_ process: Process<HW>?) {
    beginUpdate()
    defer { endUpdate() }
    self[word: KernelVariable.currentProcess] = process?.address.rawValue ?? 0
    let table = process?.pointerTable ?? swapperPointerTable
    hardware.writeCR3(UInt32(truncatingIfNeeded: physicalAddress(of: table)))
  }

  /// Takes an address space apart, its pages included (`exit_mmap`, `pgd_free`). When it is the running one, the kernel
  /// goes on with the reference table.
  public func destroyProcess(_ process: Process<HW>) {
    beginUpdate()
    defer { endUpdate() }
    if currentProcess?.address == process.address { switchTo(nil) }
    var link = address + KernelVariable.processList
    while true {
      let next = KernelAddress(hardware.load32(link))
      if next.isNull {
        warn("destroyProcess: no such process", process.address)
        return
      }
      if next == process.address { break }
      link = next + ProcessLayout.next
    }
    hardware.store32(link, process.next.rawValue)
    freeTables(of: process)
    kfree(process.pointerTable)
    kfree(process.address)
  }

  /// Gives back the directories, and for the user's part page tables and pages too.
  private func freeTables(of process: Process<HW>) {
    for slot in 0..<UInt32(4) {
      let pointer = process.pointerTable + slot &* 8
      let value = entry(at: pointer)
      if !value.isPresent { continue }
      let directory = directoryTable(value)
      if slot < 3 { freeUserDirectory(directory) }
      clearEntry(pointer)
      freeTable(directory)
    }
  }

  private func directoryTable(_ value: PageTableEntry) -> KernelAddress {
    directAddress(of: value.physicalAddress)
  }

  private func freeUserDirectory(_ directory: KernelAddress) {
    for index in 0..<UInt32(512) {
      let value = entry(at: directory + index &* 8)
      if !value.isPresent { continue }
      let table = directoryTable(value)
      for number in 0..<UInt32(512) {
        let leaf = entry(at: table + number &* 8)
        if leaf.isPresent { freePage(page(FrameNumber(truncatingIfNeeded: leaf.physicalAddress >> 12))) }
      }
      freeTable(table)
    }
  }

  /// Gives `process` a page of its own at `address`, below 3 GiB and not mapped yet, and returns it; nil when memory is
  /// out or the address is not free. To share a page, take another count of it first.
  public func mapUserPage(
    _ process: Process<HW>, _ address: KernelAddress, writable: Bool
  ) -> Page<HW>? {
    beginUpdate()
    defer { endUpdate() }
    if address >= AddressSpace.pageOffset { return nil }
    let directory = directoryEntry(pointerTableEntry(process.pointerTable, address), address)
    if !entry(at: directory).isPresent {
      guard let table = allocateTable() else { return nil }
      setEntry(directory, PageTableEntry(physicalAddress(of: table), .table))
    }
    let leaf = tableEntry(directory, address)
    if entry(at: leaf).isPresent { return nil }
    guard let page = allocatePage([.highUser, .zero]) else { return nil }
    let flags: PageTableFlags = writable ? [.present, .user, .writable] : [.present, .user]
    setEntry(leaf, PageTableEntry(physicalAddress(of: page), flags))
    process.userPages = process.userPages &+ 1
    return page
  }
}
