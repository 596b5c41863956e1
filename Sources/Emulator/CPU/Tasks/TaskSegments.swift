import IA32

/// The segments of a task that has just been switched to. SDM vol. 3A, table 7-1.
///
/// What fails raises its fault in the new task. The registers that have not passed their check hold their selectors, and
/// nothing behind them that could be used.
extension CPU {
  /// - Throws: #TS, #NP, #SS with the selector at fault; #PF.
  func loadSegments(of context: TaskContext) throws(GuestFault) {
    for register in SegmentRegister.allCases {
      state.pointee[register] = nullSegment(Selector(context.selectors[Int(register.rawValue)]))
    }
    state.pointee.ldtr = nullSegment(Selector(context.localTable))
    let isVirtual8086 = state.pointee.isVirtual8086
    let cs = Selector(context.selectors[Int(SegmentRegister.cs.rawValue)])
    setPrivilegeLevel(isVirtual8086 ? 3 : cs.requestedPrivilegeLevel)
    // The LDT comes first as a whole, for the others may lie in it.
    try loadTaskLocalTable(Selector(context.localTable))
    if isVirtual8086 {
      for register in SegmentRegister.allCases {
        state.pointee[register] = SegmentCache(
          virtual8086: context.selectors[Int(register.rawValue)], isCode: register == .cs)
      }
      return
    }
    try loadTaskCodeAndStack(cs, Selector(context.selectors[Int(SegmentRegister.ss.rawValue)]))
    for register in [SegmentRegister.ds, .es, .fs, .gs] {
      try loadTaskData(register, Selector(context.selectors[Int(register.rawValue)]))
    }
  }

  private func loadTaskLocalTable(_ selector: Selector) throws(GuestFault) {
    guard !selector.isNull else { return }
    let bad = GuestFault(.invalidTSS, errorCode: selector.errorCode)
    guard !selector.isLocal, let fetched = try fetchDescriptor(selector),
      !fetched.descriptor.isCodeOrData, fetched.descriptor.type == SystemDescriptorType.ldt,
      fetched.descriptor.isPresent
    else { throw bad }
    state.pointee.ldtr = SegmentCache(selector.rawValue, fetched.descriptor)
  }

  /// In the order of the table, which is that of the P6.
  private func loadTaskCodeAndStack(_ cs: Selector, _ ss: Selector) throws(GuestFault) {
    let badCode = GuestFault(.invalidTSS, errorCode: cs.errorCode)
    let badStack = GuestFault(.invalidTSS, errorCode: ss.errorCode)
    let level = cs.requestedPrivilegeLevel
    let code = cs.isNull ? nil : try fetchDescriptor(cs)
    if let code, code.descriptor.isCode {
      let dpl = code.descriptor.privilegeLevel
      guard code.descriptor.isConforming ? dpl <= level : dpl == level else { throw badCode }
    }
    guard !ss.isNull, let stack = try fetchDescriptor(ss), stack.descriptor.isWritable else { throw badStack }
    guard stack.descriptor.isPresent else {
      throw GuestFault(.stackSegmentFault, errorCode: ss.errorCode)
    }
    guard stack.descriptor.privilegeLevel == level else { throw badStack }
    guard let code, code.descriptor.isCode else { throw badCode }
    try requirePresent(code)
    guard ss.requestedPrivilegeLevel == level else { throw badStack }
    commit(try prepareAccessedBit(code))
    state.pointee.cs = code.cache
    commit(try prepareAccessedBit(stack))
    state.pointee.ss = stack.cache
  }

  private func loadTaskData(_ register: SegmentRegister, _ selector: Selector) throws(GuestFault) {
    guard !selector.isNull else { return }
    let bad = GuestFault(.invalidTSS, errorCode: selector.errorCode)
    guard let fetched = try fetchDescriptor(selector), fetched.descriptor.isReadable else { throw bad }
    try requirePresent(fetched)
    guard isReachable(fetched.descriptor, through: selector) else { throw bad }
    commit(try prepareAccessedBit(fetched))
    state.pointee[register] = fetched.cache
  }
}
