import IA32

/// From bytes at CS:EIP to a block.
extension CPU {
  /// `enterBlock` when the page is new, or no block was remembered for EIP.
  @inline(never)
  func enterSlowly() -> UnsafeMutablePointer<Block>? {
    do throws(GuestFault) {
      let eip = state.pointee.eip
      guard isInside(state.pointee.cs, eip, bytes: 1) else { throw .generalProtection() }
      let linear = state.pointee.cs.base &+ eip
      if linear >> 12 != mmu.fetchPage.pointee.page { try fetchFrom(linear) }
      let block = try block(at: eip, linear)
      countFetch(block, linear)
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
      page.physical = translation.frame
      if translation.isLarge {
        page.physical |= UInt64(linear & (1 << mmu.control.pointee.largePageShift &- 1) & ~0xfff)
      }
    }
    page.host = UnsafeRawPointer(bus.hostPageForReading(page.physical >> 12))
    // Where RAM answers with the A20 gate closed: there stores will be looked for.
    if let ram = bus.hostPageForWriting(page.physical >> 12) {
      page.physical = mmu.memory.physicalAddress(ofHost: ram)
    }
    mmu.forgetFetchPage()
    mmu.fetchPage.pointee = page
  }

  /// The block for code at `linear` in the current fetch page: found, or decoded.
  private func block(at eip: UInt32, _ linear: UInt32) throws(GuestFault) -> UnsafeMutablePointer<Block> {
    let physical = mmu.fetchPage.pointee.physical | UInt64(linear & 0xfff)
    let key = control.pointee.modeKey | UInt64(eip)
    let mode = BlockMode(rawValue: UInt8(truncatingIfNeeded: key >> 32))
    guard let host = mmu.fetchPage.pointee.host else {
      return try gathered(eip: eip, linear: linear, physical: physical, mode: mode)
    }
    if let block = blocks.find(key: key, physical: physical) {
      let bytesInside = state.pointee.cs.limit &- eip
      if mode.contains(.flatCode) || block.pointee.bytes &- 1 <= bytesInside {
        if mode.contains(.flatCode) { blocks.recentSlot(eip).pointee = block }
        return block
      }
      return try gathered(eip: eip, linear: linear, physical: physical, mode: mode)
    }
    let ops = blocks.roomForOps()
    let offset = Int(linear & 0xfff)
    var available = 0x1000 - offset
    if !mode.contains(.flatCode) { available = min(available, Int(state.pointee.cs.limit &- eip) + 1) }
    let bytes = decodeRun(
      UnsafeRawBufferPointer(start: host + offset, count: available), eip: eip, mode: mode, into: ops)
    guard bytes.count > 0 else {
      return try gathered(eip: eip, linear: linear, physical: physical, mode: mode)
    }
    let block = blocks.insert(
      makeBlock(key: key, physical: physical, ops: ops, count: bytes.count, bytes: bytes.length))
    if mode.contains(.flatCode) { blocks.recentSlot(eip).pointee = block }
    return block
  }

  private func makeBlock(
    key: UInt64, physical: UInt64, ops: UnsafeMutablePointer<Op>, count: Int, bytes: Int
  ) -> Block {
    let first = UInt32(physical & 0xfff)
    let last = first + UInt32(bytes) - 1
    return Block(
      key: key, physical: physical, ops: ops, count: UInt32(count),
      cycles: UInt32(ops[count].cyclesBefore), bytes: UInt32(bytes), lines: last >> 5 - first >> 5 + 1,
      cyclesBeforeLast: UInt32(ops[count - 1].cyclesBefore))
  }

  /// Decodes up to a block's length of instructions; none when the first one needs bytes beyond `code`.
  private func decodeRun(
    _ code: UnsafeRawBufferPointer, eip: UInt32, mode: BlockMode, into ops: UnsafeMutablePointer<Op>
  ) -> (count: Int, length: Int) {
    let lowering = Lowering(mode: mode)
    let decodeMode: DecodeMode = mode.contains(.code32) ? .bits32 : .bits16
    var count = 0
    var length = 0
    var ends = false
    while !ends && count < BlockCache.longest && length < code.count {
      let rest = UnsafeRawBufferPointer(rebasing: code[length...])
      let next = eip &+ UInt32(length)
      var op: Op
      switch Decoder.decode(rest, mode: decodeMode) {
      case .instruction(let instruction): op = lowering.op(for: instruction, eip: next)
      case .undefined(let bytes): op = faultingOp(.invalidOpcode, eip: next, bytes)
      case .tooLong: op = faultingOp(.generalProtection, eip: next, UInt8(Decoder.maximumLength))
      case .incomplete:
        ends = true
        continue
      }
      op.position = UInt16(count)
      op.cyclesBefore = UInt16(count)
      ops[count] = op
      count += 1
      length += Int(op.length)
      ends = op.endsBlock
    }
    var end = Op(
      handler: .endOfBlock, operation: .nop, width: 4, addressWidth: 4, length: 0, prefixes: [],
      nextEIP: eip &+ UInt32(length))
    end.position = UInt16(count)
    end.cyclesBefore = UInt16(count)
    ops[count] = end
    return (count, length)
  }

  /// An instruction that raises a fault when it is executed, and only then. It is as long as what had to be read to know:
  /// a store to any of these bytes makes it another one.
  private func faultingOp(_ vector: ExceptionVector, eip: UInt32, _ length: UInt8) -> Op {
    var op = Op(
      handler: .generalEnd, operation: .ud1, width: 4, addressWidth: 4, length: length, prefixes: [],
      nextEIP: eip &+ UInt32(length))
    op.detail = vector.rawValue
    return op
  }

  // MARK: Instructions that no page holds whole

  /// A block of one instruction whose bytes are gathered one by one: it crosses into the next page, runs over the
  /// segment's limit, or lies where no memory is. Blocks of this kind are kept by their bytes, and decoded again when
  /// these have changed.
  private func gathered(
    eip: UInt32, linear: UInt32, physical: UInt64, mode: BlockMode
  ) throws(GuestFault) -> UnsafeMutablePointer<Block> {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(16)
    let lowering = Lowering(mode: mode)
    let decodeMode: DecodeMode = mode.contains(.code32) ? .bits32 : .bits16
    var line = linear >> 5
    if mmu.fetchPage.pointee.line != line { mmu.fetchPage.pointee.lookups &+= 1 }
    while true {
      let offset = UInt32(bytes.count)
      // An instruction of 15 bytes at most; the decoder says so when more prefixes come.
      guard isInside(state.pointee.cs, eip &+ offset, bytes: 1) else { throw .generalProtection() }
      let address = linear &+ offset
      if address >> 12 != mmu.fetchPage.pointee.page { try fetchFrom(address) }
      if address >> 5 != line {
        line = address >> 5
        mmu.fetchPage.pointee.lookups &+= 1
      }
      bytes.append(fetchByte(address))
      let result = bytes.withUnsafeBytes { Decoder.decode($0, mode: decodeMode) }
      var op: Op
      switch result {
      case .instruction(let instruction): op = lowering.op(for: instruction, eip: eip)
      case .undefined(let bytes): op = faultingOp(.invalidOpcode, eip: eip, bytes)
      case .tooLong: op = faultingOp(.generalProtection, eip: eip, UInt8(Decoder.maximumLength))
      case .incomplete: continue
      }
      // The lines are counted; the block itself counts none.
      mmu.fetchPage.pointee.line = linear >> 5
      return blocks.single(op, physical: physical)
    }
  }

  private func fetchByte(_ linear: UInt32) -> UInt8 {
    let page = mmu.fetchPage.pointee
    if let host = page.host { return host.load(fromByteOffset: Int(linear & 0xfff), as: UInt8.self) }
    return UInt8(truncatingIfNeeded: bus.read(page.physical | UInt64(linear & 0xfff), width: .byte))
  }
}

extension Op {
  /// Whether its block ends with this instruction.
  var endsBlock: Bool {
    if handler == .generalEnd { return true }
    return handler.rawValue >= Handler.jo.rawValue
  }
}
