import IA32

extension ExceptionVector {
  /// How a second fault during the delivery of a first is judged. SDM vol. 3A, table 6-4.
  enum Severity {
    case benign
    case contributory
    case pageFault
  }

  var severity: Severity {
    switch self {
    case .divideError, .invalidTSS, .segmentNotPresent, .stackSegmentFault, .generalProtection: .contributory
    case .pageFault: .pageFault
    default: .benign
    }
  }

  /// Whether the error code is a selector with the EXT bit below it. SDM vol. 3A, 6.13.
  var hasSelectorErrorCode: Bool {
    switch self {
    case .invalidTSS, .segmentNotPresent, .stackSegmentFault, .generalProtection: true
    default: false
    }
  }
}

extension GuestFault {
  /// The fault as it is when an event outside the program caused it: EXT is set where there is one.
  var external: GuestFault {
    vector.hasSelectorErrorCode
      ? GuestFault(vector, errorCode: errorCode | 1, linear: linear) : self
  }

  /// What a fault during this fault's delivery becomes: itself, a double fault, or the end (nil).
  /// SDM vol. 3A, table 6-5.
  func followed(by second: GuestFault) -> GuestFault? {
    if vector == .doubleFault { return nil }
    switch (vector.severity, second.vector.severity) {
    // Nothing benign comes from a delivery but the #UD of a task gate; a double fault ends what could go on for ever.
    case (_, .benign): return GuestFault(.doubleFault)
    case (.benign, _), (.contributory, .pageFault): return second
    case (.contributory, .contributory), (.pageFault, _): return GuestFault(.doubleFault)
    }
  }
}

/// Delivery of exceptions. SDM vol. 3A, 6.3, 6.15.
extension CPU {
  /// Delivers an exception whose return address is the current EIP: the instruction itself for a fault, the next one
  /// for a trap. Faults on the way become what the manual makes of them: the second in turn, a double fault, or
  /// shutdown (`isShutDown`), which leaves all registers but CR2 as they were.
  ///
  /// - Parameters:
  ///   - failed: the delivery that raised it; nil for a fault of an instruction.
  ///   - resumes: the instruction at EIP is a repeated string instruction that has begun: it meets no instruction breakpoint
  ///     when it goes on. SDM vol. 3B, 17.3.1.1.
  func deliver(_ fault: GuestFault, during failed: FaultHistory.Delivery? = nil, resumes: Bool = false) {
    state.pointee.isHalted = false
    // However a guest arranges its faults, time passes.
    chargeDelivery()
    var current = fault
    var failed = failed
    noteLinearAddress(of: fault)
    var resumes = resumes
    while true {
      record(current, during: failed)
      if current.setsResumeFlag { resumes = true }
      // Anew for each delivery: the one before may have switched the task.
      let flags = state.pointee.eflags | (resumes ? EFLAGS.resume.rawValue : 0)
      let vector = current.vector
      let entry = HandlerEntry(
        vector: vector.rawValue, errorCode: vector.pushesErrorCode ? current.errorCode : nil,
        returnEIP: state.pointee.eip, flags: flags, isSoftware: false)
      do throws(GuestFault) {
        try enterHandler(entry)
        finishDelivery(of: vector)
        return
      } catch {
        let second = error.external
        noteLinearAddress(of: second)
        failed = FaultHistory.Delivery(vector: vector.rawValue, step: deliveryStep)
        guard let next = current.followed(by: second) else { return shutDown(second, during: failed) }
        // What became a double fault is a fault of its own, though no handler hears of it.
        if next != second {
          record(second, during: failed)
          failed = nil
        }
        current = next
      }
    }
  }

  private func finishDelivery(of vector: ExceptionVector) {
    counters.pointee.faults[Int(vector.rawValue)] &+= 1
    faultHistory.markDelivered()
    // A debug handler may use the debug registers. SDM vol. 3B, 17.2.4.
    if vector == .debug { state.pointee.dr7 &= ~DebugRegisterBits.generalDetectEnable }
  }

  /// A fault on the way to the double-fault handler: the processor stops until it is reset.
  private func shutDown(_ third: GuestFault, during failed: FaultHistory.Delivery?) {
    record(third, during: failed)
    faultHistory.markShutdown()
    isShutDown = true
  }

  /// A page fault loads CR2 when it is raised, also where it becomes a double fault; a debug exception DR6.
  private func noteLinearAddress(of fault: GuestFault) {
    if fault.vector == .pageFault { state.pointee.cr2 = fault.linear }
    if fault.vector == .debug { state.pointee.dr6 |= fault.linear & DebugRegisterBits.writableStatus }
  }

  private func record(_ fault: GuestFault, during failed: FaultHistory.Delivery?) {
    if observation.wants(.fault) {
      let linear = fault.vector == .pageFault ? fault.linear : 0
      observation.tell(
        .fault(FaultEvent(vector: fault.vector.rawValue, errorCode: fault.errorCode, linear: linear)))
    }
    faultHistory.record(
      FaultHistory.Entry(
        vector: fault.vector, errorCode: fault.errorCode, cs: state.pointee.cs.selector,
        eip: state.pointee.eip, cr2: state.pointee.cr2, cycle: clock.now, delivery: failed,
        refusal: fault.vector == .pageFault ? mmu.refusal : nil),
      registers: SIMD8(
        registers[0], registers[1], registers[2], registers[3], registers[4], registers[5], registers[6],
        registers[7]))
  }
}
