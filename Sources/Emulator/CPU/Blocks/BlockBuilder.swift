import IA32

/// From bytes at CS:EIP to a block.
extension CPU {
  /// `enterBlock` when the page is new, or no block was remembered for EIP.
  @inline(never)
  func enterSlowly<Timing: TimingModel>(_: Timing.Type) -> UnsafeMutablePointer<Block>? {
    do throws(GuestFault) {
      let eip = state.pointee.eip
      let linear = state.pointee.cs.base &+ eip
      if !cutPoints.isEmpty {
        if stopsAtBreakpoint(linear) { return nil }
        try checkInstructionBreakpoint(linear)
      }
      guard isInside(state.pointee.cs, eip, bytes: 1) else { throw .generalProtection() }
      if linear >> 12 != mmu.fetchPage.pointee.page { try fetchFrom(linear) }
      let block = try block(at: eip, linear)
      // A block that isn't kept has entered its lines as its bytes were fetched.
      if block.pointee.key != BlockCache.unkept { countFetch(block, linear, Timing.self) }
      chargeWaitStates()
      // An observer of the fetch asked for a stop: the instruction that was fetched executes first.
      if control.pointee.stop != nil { armAfterFirst(block) }
      return block
    } catch {
      raise(error)
      return nil
    }
  }

  /// Makes the page of `linear` the one that instructions come from.
  private func fetchFrom(_ linear: UInt32) throws(GuestFault) {
    var page = FetchPage()
    page.page = linear >> 12
    if mmu.control.pointee.mode == .off {
      page.physical = UInt64(linear & 0xffff_f000)
    } else {
      let translation = try mmu.instructionEntry(linear).pointee.translation
      page.source = translation.isLarge ? .instructionLarge : .instruction4K
      page.physical = translation.physical(
        of: linear & ~0xfff, largePageShift: mmu.control.pointee.largePageShift)
    }
    page.physical = bus.driven(page.physical)
    page.host = UnsafeRawPointer(bus.hostPageForReading(page.physical >> 12))
    // Where RAM answers with the A20 gate closed: there stores will be looked for.
    if let ram = bus.hostPageForWriting(page.physical >> 12) {
      page.physical = mmu.memory.physicalAddress(ofHost: ram)
    }
    if mmu.fetchPage.pointee.held == page.page { page.line = mmu.fetchPage.pointee.line }
    mmu.forgetFetchPage()
    mmu.fetchPage.pointee = page
  }

  /// The block for code at `linear` in the current fetch page: found, or decoded.
  func block(at eip: UInt32, _ linear: UInt32) throws(GuestFault) -> UnsafeMutablePointer<Block> {
    let physical = mmu.fetchPage.pointee.physical | UInt64(linear & 0xfff)
    let key = control.pointee.modeKey | UInt64(eip)
    let mode = BlockMode(rawValue: UInt8(truncatingIfNeeded: key >> 32))
    guard let host = mmu.fetchPage.pointee.host else {
      return try gathered(eip: eip, linear: linear, physical: physical, mode: mode)
    }
    // A block that begins at a breakpoint, or lies where another base would give other linear addresses, is asked for anew
    // each time.
    let hasBreakpoint = !cutPoints.isEmpty && cutPoints.contains(linear)
    guard usesFastPaths, cutPoints.isEmpty || mode.contains(.flatCode) else {
      return try gathered(eip: eip, linear: linear, physical: physical, mode: mode)
    }
    if let block = blocks.find(key: key, physical: physical) {
      let bytesInside = state.pointee.cs.limit &- eip
      if mode.contains(.flatCode) || block.pointee.bytes &- 1 <= bytesInside {
        if mode.contains(.flatCode) && !hasBreakpoint { blocks.recentSlot(eip).pointee = block }
        return block
      }
      return try gathered(eip: eip, linear: linear, physical: physical, mode: mode)
    }
    let ops = blocks.roomForOps()
    let offset = Int(linear & 0xfff)
    var available = 0x1000 - offset
    if !mode.contains(.flatCode) { available = min(available, Int(state.pointee.cs.limit &- eip) + 1) }
    let run = decodeRun(
      UnsafeRawBufferPointer(start: host + offset, count: available), eip: eip, linear: linear, mode: mode,
      into: ops)
    guard run.count > 0 else {
      return try gathered(eip: eip, linear: linear, physical: physical, mode: mode)
    }
    let block = blocks.insert(
      makeBlock(key: key, physical: physical, ops: ops, run), bytes: host + offset)
    if mode.contains(.flatCode) && !hasBreakpoint { blocks.recentSlot(eip).pointee = block }
    return block
  }

  private func makeBlock(
    key: UInt64, physical: UInt64, ops: UnsafeMutablePointer<Op>, _ run: DecodedRun
  ) -> Block {
    let first = UInt32(physical & 0xfff)
    let last = first + UInt32(run.bytes) - 1
    return Block(
      key: key, physical: physical, ops: ops, count: UInt32(run.count),
      cycles: UInt32(clamping: run.cycles), entries: UInt32(run.entries), l1Cycles: UInt32(run.l1Cycles),
      bytes: UInt32(run.bytes), lines: (last >> 5) - (first >> 5) + 1,
      cyclesBeforeLast: UInt32(ops[run.entries - 1].cyclesBefore), guestBytes: nil)
  }

  /// What `decodeRun` wrote: instructions, entries with the lines between them, bytes, and load-use latency in cycles.
  private struct DecodedRun {
    var count = 0
    var entries = 0
    var bytes = 0
    var cycles: UInt64 = 0
    var l1Cycles: UInt64 = 0
  }

  /// Cycles after which a block takes no further instruction.
  private static let maxCycles: UInt64 = 1 << 14

  /// Decodes up to a block's length of instructions; none when the first one needs bytes beyond `code`.
  private func decodeRun(
    _ code: UnsafeRawBufferPointer, eip: UInt32, linear: UInt32, mode: BlockMode,
    into ops: UnsafeMutablePointer<Op>
  ) -> DecodedRun {
    let lowering = Lowering(mode: mode, features: model.features)
    let decodeMode: DecodeMode = mode.contains(.code32) ? .bits32 : .bits16
    var run = DecodedRun()
    var line = linear >> 5
    var ends = false
    while !ends && run.count < BlockCache.maxInstructions && run.bytes < code.count {
      if run.count > 0 && !cutPoints.isEmpty && cutPoints.contains(linear &+ UInt32(run.bytes)) { break }
      let rest = UnsafeRawBufferPointer(rebasing: code[run.bytes...])
      let next = eip &+ UInt32(run.bytes)
      var op: Op
      switch Decoder.decode(rest, mode: decodeMode) {
      case .instruction(let instruction): op = lowering.op(for: instruction, eip: next)
      case .undefined(let length): op = faultingOp(.invalidOpcode, eip: next, length: length)
      case .tooLong: op = faultingOp(.generalProtection, eip: next, length: 15)
      case .incomplete:
        ends = true
        continue
      }
      op.position = UInt16(run.count)
      op.cyclesBefore = UInt16(truncatingIfNeeded: run.cycles)
      let start = linear &+ UInt32(run.bytes)
      // An instruction of 15 bytes enters one line more than the last one's at most, or begins in the next.
      while caches.isOn && line != (start &+ UInt32(op.length) &- 1) >> 5 {
        line = max(line &+ 1, start >> 5)
        ops[run.entries] = lineEntry(before: op, at: eip &+ (line << 5 &- linear))
        run.entries += 1
      }
      ops[run.entries] = op
      run.entries += 1
      run.count += 1
      run.bytes += Int(op.length)
      let cost = costs.cost(of: op)
      run.cycles &+= cost.cycles
      run.l1Cycles &+= cost.l1
      // What comes before an instruction in its block has room in 16 bits.
      ends = OpcodeTable.rows[Int(op.row)].record.endsBlock || run.cycles > Self.maxCycles
    }
    var end = Op.marker(.endOfBlock, eip: eip &+ UInt32(run.bytes))
    end.position = UInt16(run.count)
    end.cyclesBefore = UInt16(truncatingIfNeeded: run.cycles)
    ops[run.entries] = end
    return run
  }

  /// The entry that makes the fetch unit enter the line at `place` (an EIP) before `op` executes.
  private func lineEntry(before op: Op, at place: UInt32) -> Op {
    var entry = Op.marker(.fetchLine, eip: op.eip)
    entry.immediate = place
    entry.position = op.position
    entry.cyclesBefore = op.cyclesBefore
    return entry
  }

  /// An instruction that raises a fault when it is executed, and only then.
  /// - Parameter length: bytes that it takes to know.
  private func faultingOp(_ vector: ExceptionVector, eip: UInt32, length: UInt8) -> Op {
    var op = Op(
      handler: .undefined, row: OpcodeTable.undefinedRow, width: 4, addressWidth: 4, length: length,
      prefixes: [], nextEIP: eip &+ UInt32(length))
    op.faultVector = vector
    return op
  }

  // MARK: Instructions one by one

  /// A block of one instruction whose bytes are gathered one by one: it crosses into the next page, runs over the
  /// segment's limit, or lies where no memory is. It is not kept, and decoded again each time. Without the fast paths every
  /// instruction comes through here.
  private func gathered(
    eip: UInt32, linear: UInt32, physical: UInt64, mode: BlockMode
  ) throws(GuestFault) -> UnsafeMutablePointer<Block> {
    var bytes = InlineArray<16, UInt8>(repeating: 0)
    var count: UInt32 = 0
    let lowering = Lowering(mode: mode, features: model.features)
    let decodeMode: DecodeMode = mode.contains(.code32) ? .bits32 : .bits16
    while true {
      // An instruction of 15 bytes at most; the decoder says so when more prefixes come.
      guard isInside(state.pointee.cs, eip &+ count, bytes: 1) else { throw .generalProtection() }
      let address = linear &+ count
      try fetchGathered(address)
      bytes[Int(count)] = fetchByte(address)
      count += 1
      let result = bytes.span.withUnsafeBytes {
        Decoder.decode(UnsafeRawBufferPointer(rebasing: $0[..<Int(count)]), mode: decodeMode)
      }
      let op: Op
      switch result {
      case .instruction(let instruction): op = lowering.op(for: instruction, eip: eip)
      case .undefined(let length): op = faultingOp(.invalidOpcode, eip: eip, length: length)
      case .tooLong: op = faultingOp(.generalProtection, eip: eip, length: 15)
      case .incomplete: continue
      }
      return blocks.single(op, costs.cost(of: op), physical: physical, bytes: bytes)
    }
  }

  /// Enters the page and the line of a byte, where the fetch unit isn't there already. Without the fast paths the TLB is asked
  /// for each line.
  private func fetchGathered(_ linear: UInt32) throws(GuestFault) {
    let fetch = mmu.fetchPage
    let isSameLine = fetch.pointee.line == linear >> 5
    if fetch.pointee.page != linear >> 12 || !usesFastPaths && !isSameLine { try fetchFrom(linear) }
    if fetch.pointee.line == linear >> 5 { return }
    if caches.isOn && fetch.pointee.host != nil {
      enterFetchLine(linear)
    } else {
      fetch.pointee.lookups &+= 1
      fetch.pointee.line = linear >> 5
      if caches.isOn { caches.uncached(.load) }
    }
  }

  private func fetchByte(_ linear: UInt32) -> UInt8 {
    let page = mmu.fetchPage.pointee
    if let host = page.host { return host.load(fromByteOffset: Int(linear & 0xfff), as: UInt8.self) }
    return bus.fetchByte(page.physical | UInt64(linear & 0xfff))
  }
}
