/// The commands of the disk. ATA/ATAPI-6 (T13/1410D), 8.
extension ATADisk {
  /// The command register is written.
  func begin(_ command: UInt8) {
    // Device 1 isn't there to take it; a busy one takes nothing.
    guard !state.registers.selectsSecond || command == 0x90, state.status & Status.busy == 0 else { return }
    state.transfer = .none
    state.command = command
    state.error = 0
    switch command {
    case 0x30, 0x31, 0x34: beginWriting(block: 1)
    case 0xC5, 0x39: state.multiple == 0 ? fail(Failure.aborted) : beginWriting(block: state.multiple)
    default: work()
    }
  }

  private var is48Bit: Bool { [0x24, 0x29, 0x34, 0x39, 0x42, 0xEA].contains(state.command) }
  /// Sectors between two interrupts.
  private var block: Int { [0xC4, 0xC5, 0x29, 0x39].contains(state.command) ? max(1, state.multiple) : 1 }

  /// What takes its time has been done: the command's result, or the next block of a transfer.
  func finish() {
    switch state.transfer {
    case .reading(let next, let left): return fill(from: next, left: left)
    case .writing(_, 0):
      state.transfer = .none
      return ask()
    case .writing(let next, let left): return request(from: next, left: left)
    case .none, .identifying: break
    }
    switch state.command {
    case 0x20, 0x21, 0x24: beginReading()
    case 0xC4, 0x29: state.multiple == 0 ? fail(Failure.aborted) : beginReading()
    case 0x40, 0x41, 0x42: if range() != nil { ask() }
    case 0xEC: identify()
    case 0x90: diagnose()
    // The geometry that CHS addresses are meant in.
    case 0x91:
      state.geometry.sectors = UInt64(state.registers.count)
      state.geometry.heads = UInt64(state.registers.device & 15) + 1
      ask()
    case 0xC6: setMultiple()
    // SET FEATURES: the default transfer modes, read look-ahead, the write cache, defaults kept over a reset.
    case 0xEF:
      [0x02, 0x03, 0x55, 0x66, 0x82, 0xAA, 0xCC].contains(state.registers.features)
        ? ask() : fail(Failure.aborted)
    // Recalibrate, seek, idle and standby, flush the cache: nothing to wait for.
    case 0x10...0x1F, 0x70...0x7F, 0xE0...0xE3, 0xE7, 0xEA: ask()
    // CHECK POWER MODE: active.
    case 0xE5:
      state.registers.count = 0xFF
      ask()
    default: fail(Failure.aborted)
    }
  }

  private func fail(_ failure: UInt8) {
    state.transfer = .none
    state.error = failure
    state.status = Status.ready | Status.seekComplete | Status.error
    ask()
  }

  /// The sectors that a command is about; fails for those that the disk has not.
  private func range() -> (first: UInt64, count: Int)? {
    let count = state.registers.sectors(is48Bit: is48Bit)
    guard let first = state.registers.sector(is48Bit: is48Bit, state.geometry), first < source.sectorCount,
      UInt64(count) <= source.sectorCount - first
    else {
      fail(Failure.notFound)
      return nil
    }
    return (first, count)
  }

  // MARK: Data

  private func beginReading() {
    guard let (first, count) = range() else { return }
    fill(from: first, left: count)
  }

  private func beginWriting(block: Int) {
    state.status = Status.ready | Status.seekComplete
    guard let (first, count) = range() else { return }
    // The first block is asked for without an interrupt.
    offer(from: first, left: count)
  }

  /// The next block for the guest to read.
  private func fill(from first: UInt64, left: Int) {
    var buffer: [UInt8] = []
    for sector in first..<first + UInt64(min(block, left)) {
      let contents = state.written[sector] ?? source.read(sector)
      guard let contents, contents.count == DiskSource.sectorSize else { return fail(Failure.uncorrectable) }
      buffer += contents
    }
    state.buffer = buffer
    state.position = 0
    state.transfer = .reading(next: first, left: left)
    state.status = Status.ready | Status.seekComplete | Status.dataRequest
    ask()
  }

  /// Room for the next block that the guest writes.
  private func offer(from first: UInt64, left: Int) {
    state.buffer = [UInt8](repeating: 0, count: min(block, left) * DiskSource.sectorSize)
    state.position = 0
    state.transfer = .writing(next: first, left: left)
    state.status = Status.ready | Status.seekComplete | Status.dataRequest
  }

  private func request(from first: UInt64, left: Int) {
    offer(from: first, left: left)
    ask()
  }

  /// The data register is read: a word of the block; nothing where there is none.
  func readData() -> UInt16 {
    guard state.status & Status.dataRequest != 0, state.position + 1 < state.buffer.count else {
      return 0xFFFF
    }
    if case .writing = state.transfer { return 0xFFFF }
    let word = UInt16(state.buffer[state.position]) | UInt16(state.buffer[state.position + 1]) << 8
    state.position += 2
    if state.position == state.buffer.count { blockMoved() }
    return word
  }

  func writeData(_ value: UInt16) {
    guard case .writing = state.transfer, state.status & Status.dataRequest != 0,
      state.position + 1 < state.buffer.count
    else { return }
    state.buffer[state.position] = UInt8(truncatingIfNeeded: value)
    state.buffer[state.position + 1] = UInt8(truncatingIfNeeded: value >> 8)
    state.position += 2
    if state.position == state.buffer.count { blockMoved() }
  }

  private func blockMoved() {
    let count = state.buffer.count / DiskSource.sectorSize
    switch state.transfer {
    case .reading(let next, let left) where left > count:
      state.transfer = .reading(next: next + UInt64(count), left: left - count)
      work()
    case .writing(let next, let left):
      for index in 0..<count {
        let start = index * DiskSource.sectorSize
        state.written[next + UInt64(index)] = Array(state.buffer[start..<start + DiskSource.sectorSize])
      }
      state.transfer = .writing(next: next + UInt64(count), left: left - count)
      work()
    case .none, .reading, .identifying:
      state.transfer = .none
      state.status = Status.ready | Status.seekComplete
    }
    state.buffer = []
    state.position = 0
  }

  // MARK: Other commands

  /// EXECUTE DEVICE DIAGNOSTIC: no failure, and the signature of an ATA disk.
  private func diagnose() {
    state.registers = ATATaskFile()
    state.error = 0x01
    ask()
  }

  private func setMultiple() {
    let count = Int(state.registers.count)
    guard count <= ATAIdentity.maxMultiple, count & (count &- 1) == 0 else { return fail(Failure.aborted) }
    state.multiple = count
    ask()
  }

  private func identify() {
    state.buffer = ATAIdentity.bytes(
      sectors: source.sectorCount, geometry: state.geometry, multiple: state.multiple)
    state.position = 0
    state.transfer = .identifying
    state.status = Status.ready | Status.seekComplete | Status.dataRequest
    ask()
  }
}
