import FloatingPoint
import IA32

extension CPUState: Codable {
  private enum Part: String, CodingKey {
    case eip, flags, systemFlags, privilegeLevel, isHalted, inhibitsInterrupts, inhibitsTraps, blocksNMI
    case es, cs, ss, ds, fs, gs, ldtr, tr, gdtr, idtr
    case cr0, cr2, cr3, cr4, efer, pdpte, debugAddresses, dr6, dr7, pendingDebug, passesBreakpoint
    case x87, sse, systemEntry, hasPendingNMI, timeStampOffset
  }

  init(from decoder: any Swift.Decoder) throws {
    self.init()
    let parts = try decoder.container(keyedBy: Part.self)
    func read<T: Decodable>(_ part: Part, _ field: inout T) throws {
      field = try parts.decode(T.self, forKey: part)
    }
    func four<T: Decodable>(_ part: Part) throws -> (T, T, T, T) {
      let list = try parts.decode([T].self, forKey: part)
      guard list.count == 4 else {
        throw DecodingError.dataCorruptedError(
          forKey: part, in: parts, debugDescription: "there are four of them")
      }
      return (list[0], list[1], list[2], list[3])
    }
    try read(.eip, &eip)
    try read(.flags, &flags)
    try read(.systemFlags, &systemFlags)
    try read(.privilegeLevel, &privilegeLevel)
    try read(.isHalted, &isHalted)
    try read(.inhibitsInterrupts, &inhibitsInterrupts)
    try read(.inhibitsTraps, &inhibitsTraps)
    try read(.blocksNMI, &blocksNMI)
    try read(.es, &es)
    try read(.cs, &cs)
    try read(.ss, &ss)
    try read(.ds, &ds)
    try read(.fs, &fs)
    try read(.gs, &gs)
    try read(.ldtr, &ldtr)
    try read(.tr, &tr)
    try read(.gdtr, &gdtr)
    try read(.idtr, &idtr)
    try read(.cr0, &cr0)
    try read(.cr2, &cr2)
    try read(.cr3, &cr3)
    try read(.cr4, &cr4)
    try read(.efer, &efer)
    pdpte = try four(.pdpte)
    debugAddresses = try four(.debugAddresses)
    try read(.dr6, &dr6)
    try read(.dr7, &dr7)
    try read(.pendingDebug, &pendingDebug)
    try read(.passesBreakpoint, &passesBreakpoint)
    try read(.x87, &x87)
    try read(.sse, &sse)
    try read(.systemEntry, &systemEntry)
    try read(.hasPendingNMI, &hasPendingNMI)
    try read(.timeStampOffset, &timeStampOffset)
  }

  func encode(to encoder: any Swift.Encoder) throws {
    var parts = encoder.container(keyedBy: Part.self)
    try parts.encode(eip, forKey: .eip)
    try parts.encode(flags, forKey: .flags)
    try parts.encode(systemFlags, forKey: .systemFlags)
    try parts.encode(privilegeLevel, forKey: .privilegeLevel)
    try parts.encode(isHalted, forKey: .isHalted)
    try parts.encode(inhibitsInterrupts, forKey: .inhibitsInterrupts)
    try parts.encode(inhibitsTraps, forKey: .inhibitsTraps)
    try parts.encode(blocksNMI, forKey: .blocksNMI)
    for (part, segment) in [
      (Part.es, es), (.cs, cs), (.ss, ss), (.ds, ds), (.fs, fs), (.gs, gs), (.ldtr, ldtr), (.tr, tr),
    ] {
      try parts.encode(segment, forKey: part)
    }
    try parts.encode(gdtr, forKey: .gdtr)
    try parts.encode(idtr, forKey: .idtr)
    try parts.encode(cr0, forKey: .cr0)
    try parts.encode(cr2, forKey: .cr2)
    try parts.encode(cr3, forKey: .cr3)
    try parts.encode(cr4, forKey: .cr4)
    try parts.encode(efer, forKey: .efer)
    try parts.encode([pdpte.0, pdpte.1, pdpte.2, pdpte.3], forKey: .pdpte)
    try parts.encode(
      [debugAddresses.0, debugAddresses.1, debugAddresses.2, debugAddresses.3], forKey: .debugAddresses)
    try parts.encode(dr6, forKey: .dr6)
    try parts.encode(dr7, forKey: .dr7)
    try parts.encode(pendingDebug, forKey: .pendingDebug)
    try parts.encode(passesBreakpoint, forKey: .passesBreakpoint)
    try parts.encode(x87, forKey: .x87)
    try parts.encode(sse, forKey: .sse)
    try parts.encode(systemEntry, forKey: .systemEntry)
    try parts.encode(hasPendingNMI, forKey: .hasPendingNMI)
    try parts.encode(timeStampOffset, forKey: .timeStampOffset)
  }

  /// Whether a processor can be in this state, as far as the code relies on it.
  var isPossible: Bool { privilegeLevel <= 3 && x87.top <= 7 }
}

extension X87State: Codable {
  private enum Part: String, CodingKey {
    case significands, signExponents, used, top, control, flags, instruction, operand, opcode, signalsError
    case ignoresErrors
  }

  init(from decoder: any Swift.Decoder) throws {
    self.init()
    let parts = try decoder.container(keyedBy: Part.self)
    let significands = try parts.decode([UInt64].self, forKey: .significands)
    let signExponents = try parts.decode([UInt16].self, forKey: .signExponents)
    guard significands.count == 8, signExponents.count == 8 else {
      throw DecodingError.dataCorruptedError(
        forKey: .significands, in: parts, debugDescription: "there are eight registers")
    }
    for index in 0..<8 {
      registers[index] = ExtendedFloat(
        significand: significands[index], signExponent: signExponents[index])
    }
    used = try parts.decode(UInt8.self, forKey: .used)
    top = try parts.decode(UInt8.self, forKey: .top)
    control = X87Control(rawValue: try parts.decode(UInt16.self, forKey: .control))
    flags = try parts.decode(UInt16.self, forKey: .flags)
    instruction = try parts.decode(X87Pointer.self, forKey: .instruction)
    operand = try parts.decode(X87Pointer.self, forKey: .operand)
    opcode = try parts.decode(UInt16.self, forKey: .opcode)
    signalsError = try parts.decode(Bool.self, forKey: .signalsError)
    ignoresErrors = try parts.decode(Bool.self, forKey: .ignoresErrors)
  }

  func encode(to encoder: any Swift.Encoder) throws {
    var parts = encoder.container(keyedBy: Part.self)
    try parts.encode((0..<8).map { registers[$0].significand }, forKey: .significands)
    try parts.encode((0..<8).map { registers[$0].signExponent }, forKey: .signExponents)
    try parts.encode(used, forKey: .used)
    try parts.encode(top, forKey: .top)
    try parts.encode(control.rawValue, forKey: .control)
    try parts.encode(flags, forKey: .flags)
    try parts.encode(instruction, forKey: .instruction)
    try parts.encode(operand, forKey: .operand)
    try parts.encode(opcode, forKey: .opcode)
    try parts.encode(signalsError, forKey: .signalsError)
    try parts.encode(ignoresErrors, forKey: .ignoresErrors)
  }
}

extension SSEState: Codable {
  private enum Part: String, CodingKey {
    case halves, control
  }

  init(from decoder: any Swift.Decoder) throws {
    self.init()
    let parts = try decoder.container(keyedBy: Part.self)
    let halves = try parts.decode([UInt64].self, forKey: .halves)
    guard halves.count == 16 else {
      throw DecodingError.dataCorruptedError(
        forKey: .halves, in: parts, debugDescription: "there are eight registers")
    }
    for index in 0..<8 { registers[index] = XMMValue(low: halves[2 * index], high: halves[2 * index + 1]) }
    control = SSEControl(rawValue: try parts.decode(UInt32.self, forKey: .control))
  }

  func encode(to encoder: any Swift.Encoder) throws {
    var parts = encoder.container(keyedBy: Part.self)
    try parts.encode((0..<8).flatMap { [registers[$0].low, registers[$0].high] }, forKey: .halves)
    try parts.encode(control.rawValue, forKey: .control)
  }
}
