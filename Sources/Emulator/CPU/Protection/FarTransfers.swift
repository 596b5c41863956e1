import IA32

/// A code segment and the place in it where control goes, with every check behind them.
struct CodeTarget {
  let segment: SegmentCache
  let eip: UInt32
  /// CPL from there on.
  let privilegeLevel: UInt8
  let accessedBit: AccessByteUpdate?
}

/// Far JMP and CALL. SDM vol. 2A, CALL and JMP; vol. 3A, 5.8.
extension CPU {
  /// What a call gate says. SDM vol. 3A, figure 5-8.
  struct CallGate {
    let target: Selector
    let offset: UInt32
    let parameterCount: UInt32
    /// 2 or 4.
    let slotBytes: UInt32

    init(_ descriptor: Descriptor) {
      let is32Bit = descriptor.type == SystemDescriptorType.callGate32
      target = descriptor.gateSelector
      offset = is32Bit ? descriptor.gateOffset : descriptor.gateOffset & 0xffff
      parameterCount = UInt32(descriptor.gateParameterCount)
      slotBytes = is32Bit ? 4 : 2
    }
  }

  private enum FarDestination {
    case segment(FetchedDescriptor)
    case gate(CallGate)
  }

  /// Far JMP: sets CS and EIP.
  /// - Throws: #GP, #NP, #PF; #UD for a task switch, which this processor lacks.
  func jumpFar(selector: UInt16, offset: UInt32, operandSize: UInt8) throws(GuestFault) {
    let offset = operandSize == 2 ? offset & 0xffff : offset
    if state.pointee.usesRealModeSegments { return go(to: try realModeTarget(selector, offset)) }
    switch try farDestination(Selector(selector)) {
    case .segment(let fetched):
      go(to: try codeTarget(fetched, offset, privilegeLevel: state.pointee.privilegeLevel))
    case .gate(let gate):
      let (fetched, level) = try gateTarget(gate, isCall: false)
      go(to: try codeTarget(fetched, gate.offset, privilegeLevel: level))
    }
  }

  /// Far CALL: pushes CS and `nextEIP`, through a gate to an inner ring also SS, ESP and the parameters; sets CS, EIP.
  /// - Throws: #GP, #NP, #SS, #TS, #PF; #UD for a task switch, which this processor lacks.
  func callFar(
    selector: UInt16, offset: UInt32, operandSize: UInt8, nextEIP: UInt32
  ) throws(GuestFault) {
    let offset = operandSize == 2 ? offset & 0xffff : offset
    let slotBytes: UInt32 = operandSize == 2 ? 2 : 4
    if state.pointee.usesRealModeSegments {
      let frame = try returnAddress(nextEIP, slotBytes: slotBytes)
      return call(try realModeTarget(selector, offset), frame)
    }
    switch try farDestination(Selector(selector)) {
    case .segment(let fetched):
      let frame = try returnAddress(nextEIP, slotBytes: slotBytes)
      call(try codeTarget(fetched, offset, privilegeLevel: state.pointee.privilegeLevel), frame)
    case .gate(let gate):
      let (fetched, level) = try gateTarget(gate, isCall: true)
      if level < state.pointee.privilegeLevel {
        try callInner(gate, fetched, level, nextEIP)
      } else {
        let frame = try returnAddress(nextEIP, slotBytes: gate.slotBytes)
        call(try codeTarget(fetched, gate.offset, privilegeLevel: level), frame)
      }
    }
  }

  private func call(_ target: CodeTarget, _ frame: PendingFrame) {
    frame.commit(self)
    self[.esp] = frame.pointer
    go(to: target)
  }

  /// CS and EIP on the current stack.
  private func returnAddress(_ eip: UInt32, slotBytes: UInt32) throws(GuestFault) -> PendingFrame {
    var frame = currentStackFrame(slotBytes: slotBytes)
    try frame.push(UInt32(state.pointee.cs.selector), self)
    try frame.push(eip, self)
    return frame
  }

  /// A call through a gate to an inner ring: another stack, with the parameters copied over.
  /// SDM vol. 3A, figure 5-13.
  private func callInner(
    _ gate: CallGate, _ fetched: FetchedDescriptor, _ level: UInt8, _ nextEIP: UInt32
  ) throws(GuestFault) {
    let stack = try innerStack(forRing: level)
    var frame = stack.frame(slotBytes: gate.slotBytes)
    try frame.push(UInt32(state.pointee.ss.selector), self)
    try frame.push(self[.esp], self)
    var parameter = gate.parameterCount
    while parameter > 0 {
      parameter &-= 1
      try frame.push(try stackSlot(parameter &* gate.slotBytes, slotBytes: gate.slotBytes), self)
    }
    try frame.push(UInt32(state.pointee.cs.selector), self)
    try frame.push(nextEIP, self)
    let target = try codeTarget(fetched, gate.offset, privilegeLevel: level)
    commit(stack.accessedBit)
    state.pointee.ss = stack.segment
    call(target, frame)
  }

  // MARK: Destinations

  /// What the selector of a far JMP or CALL names, as far as the current ring may use it. SDM vol. 3A, 5.8.1, 5.8.4.
  private func farDestination(_ selector: Selector) throws(GuestFault) -> FarDestination {
    guard !selector.isNull else { throw .generalProtection() }
    let fetched = try descriptor(selector)
    let descriptor = fetched.descriptor
    let level = state.pointee.privilegeLevel
    if descriptor.isCode {
      let isAllowed =
        descriptor.isConforming
        ? descriptor.privilegeLevel <= level
        : descriptor.privilegeLevel == level && selector.requestedPrivilegeLevel <= level
      guard isAllowed else { throw .generalProtection(selector.errorCode) }
      try requirePresent(fetched)
      return .segment(fetched)
    }
    guard !descriptor.isCodeOrData, isReachable(descriptor, through: selector) else {
      throw .generalProtection(selector.errorCode)
    }
    switch descriptor.type {
    case SystemDescriptorType.callGate16, SystemDescriptorType.callGate32:
      try requirePresent(fetched)
      return .gate(CallGate(descriptor))
    case SystemDescriptorType.taskGate:
      try requirePresent(fetched)
      throw missing("task switch")
    case SystemDescriptorType.availableTSS16, SystemDescriptorType.availableTSS32:
      guard !selector.isLocal else { throw .generalProtection(selector.errorCode) }
      try requirePresent(fetched)
      throw missing("task switch")
    default:
      throw .generalProtection(selector.errorCode)
    }
  }

  /// The code segment behind a call gate and the ring it runs in: an inner one only for CALL. SDM vol. 3A, table 5-1.
  private func gateTarget(
    _ gate: CallGate, isCall: Bool
  ) throws(GuestFault) -> (FetchedDescriptor, level: UInt8) {
    guard !gate.target.isNull else { throw .generalProtection() }
    let fetched = try descriptor(gate.target)
    let descriptor = fetched.descriptor
    let level = state.pointee.privilegeLevel
    guard descriptor.isCode, descriptor.privilegeLevel <= level,
      isCall || descriptor.isConforming || descriptor.privilegeLevel == level
    else { throw .generalProtection(gate.target.errorCode) }
    try requirePresent(fetched)
    return (fetched, descriptor.isConforming ? level : descriptor.privilegeLevel)
  }

  /// - Throws: #NP with the selector.
  func requirePresent(_ fetched: FetchedDescriptor) throws(GuestFault) {
    guard fetched.descriptor.isPresent else {
      throw GuestFault(.segmentNotPresent, errorCode: fetched.selector.errorCode)
    }
  }

  // MARK: Setting CS and EIP

  /// A place in a code segment whose type and privilege have passed.
  /// - Throws: #GP(0) beyond the limit; #PF for the descriptor's accessed bit.
  func codeTarget(
    _ fetched: FetchedDescriptor, _ eip: UInt32, privilegeLevel: UInt8
  ) throws(GuestFault) -> CodeTarget {
    var segment = fetched.cache
    segment.selector = fetched.selector.rawValue & 0xfffc | UInt16(privilegeLevel & 3)
    guard eip <= segment.limit else { throw .generalProtection() }
    return CodeTarget(
      segment: segment, eip: eip, privilegeLevel: privilegeLevel,
      accessedBit: try prepareAccessedBit(fetched))
  }

  /// A place in a real-mode segment.
  /// - Throws: #GP(0) beyond the limit.
  func realModeTarget(_ selector: UInt16, _ eip: UInt32) throws(GuestFault) -> CodeTarget {
    let segment = realModeSegment(replacing: state.pointee.cs, by: selector, isCode: true)
    guard eip <= segment.limit else { throw .generalProtection() }
    return CodeTarget(
      segment: segment, eip: eip, privilegeLevel: state.pointee.privilegeLevel, accessedBit: nil)
  }

  /// Sets CS, EIP and CPL.
  func go(to target: CodeTarget) {
    commit(target.accessedBit)
    state.pointee.cs = target.segment
    state.pointee.eip = target.eip
    setPrivilegeLevel(target.privilegeLevel)
  }

  /// Records that a guest wanted something that this processor lacks, once for each name.
  func reportMissing(_ name: String) {
    guard !missingOperations.contains(name) else { return }
    missingOperations.append(name)
    onMissingOperation?(name)
  }

  /// The fault for what this processor lacks, recorded under `name`.
  func missing(_ name: String) -> GuestFault {
    missingFeatures = []
    reportMissing(name)
    return .invalidOpcode
  }
}
