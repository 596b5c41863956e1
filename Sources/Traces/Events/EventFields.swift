import Emulator
import IA32

/// The fields of one kind of event, in the order that traces keep them in. The raw value is the place in that order.
///
/// A field that is added later goes to the end and is optional.
public protocol EventFields: RawRepresentable<Int>, CaseIterable, Sendable {
  /// The row of the schema.
  var field: EventField { get }
}

/// The fields of `EventKind.instruction`.
public enum InstructionFields: Int, EventFields {
  case length, privilegeLevel

  public var field: EventField {
    switch self {
    case .length: EventField("length", .decimal)
    case .privilegeLevel: EventField("cpl", .decimal)
    }
  }
}

/// The fields of `EventKind.access`.
public enum AccessFields: Int, EventFields {
  case linear, physical, bytes, access

  public var field: EventField {
    switch self {
    case .linear: .linear("linear")
    case .physical: .physical("physical")
    case .bytes: EventField("bytes", .decimal)
    case .access: EventField("access", EventSchema.accesses)
    }
  }
}

/// The fields of `EventKind.walk`.
public enum WalkFields: Int, EventFields {
  case linear, access, pdpte, pdeAddress, pde, pteAddress, pte, updates, fault, frame, page

  public var field: EventField {
    switch self {
    case .linear: .linear("linear")
    case .access: EventField("access", EventSchema.accesses)
    case .pdpte: .entry("pdpte", isOptional: true)
    case .pdeAddress: .physical("pde-at", isOptional: true)
    case .pde: .entry("pde", isOptional: true)
    case .pteAddress: .physical("pte-at", isOptional: true)
    case .pte: .entry("pte", isOptional: true)
    case .updates: EventField("set-bits-in", .word(["none", "pde", "leaf", "both"]), isOptional: true)
    case .fault: EventField("fault", .hexadecimal(4), isOptional: true)
    case .frame: .physical("frame", isOptional: true)
    case .page: EventField("page", .word(["4K", "large"]), isOptional: true)
    }
  }
}

/// The fields of `EventKind.tlbFill` and `.tlbEvict`.
public enum TLBFields: Int, EventFields {
  case array, set, way, linear, frame, rights

  public var field: EventField {
    switch self {
    case .array:
      EventField("array", .word(TLBArrayName.allCases.map { $0.rawValue.replacing(" ", with: "-") }))
    case .set: EventField("set", .decimal, .slot)
    case .way: EventField("way", .decimal, .slot)
    case .linear: .linear("linear", .linearPage)
    case .frame: .physical("frame")
    // Writable, user, global, no-execute, dirty.
    case .rights: EventField("rights", .flags("wugnd"))
    }
  }
}

/// The fields of `EventKind.flush`.
public enum FlushFields: Int, EventFields {
  case by, linear, cr3, keepsGlobal

  /// The values of `by`.
  enum Cause: UInt64 {
    case invlpg, cr3, everything
  }

  public var field: EventField {
    switch self {
    case .by: EventField("by", .word(["invlpg", "cr3", "everything"]))
    case .linear: .linear("linear", isOptional: true)
    case .cr3: EventField("cr3", .hexadecimal(8), .cr3, isOptional: true)
    case .keepsGlobal: EventField("keeps-global", .word(["no", "yes"]), isOptional: true)
    }
  }
}

/// The fields of `EventKind.pteStore`.
public enum StoreFields: Int, EventFields {
  case address, old, new, writer, linear

  public var field: EventField {
    switch self {
    case .address: .physical("at")
    case .old: .entry("old")
    case .new: .entry("new")
    case .writer: EventField("writer", .word(["instruction", "walker", "device", "outside"]))
    case .linear: .linear("linear")
    }
  }
}

/// The fields of `EventKind.fault`.
public enum FaultFields: Int, EventFields {
  case vector, errorCode, linear

  public var field: EventField {
    switch self {
    case .vector:
      EventField("vector", .word((0..<32).map { ExceptionVector(rawValue: $0)?.mnemonic ?? "\($0)" }))
    case .errorCode: EventField("error", .hexadecimal(4))
    case .linear: .linear("linear", isOptional: true)
    }
  }
}

/// The fields of `EventKind.interrupt`.
public enum InterruptFields: Int, EventFields {
  case vector, source

  public var field: EventField {
    switch self {
    case .vector: EventField("vector", .decimal)
    case .source: EventField("source", .word(["hardware", "software"]))
    }
  }
}

/// The fields of `EventKind.mmio`, and of `.port`, where the address is a port.
public enum BusFields: Int, EventFields {
  case address, bytes, access, value

  public var field: EventField {
    switch self {
    case .address: EventField("address", .hexadecimal(9), .device)
    case .bytes: EventField("bytes", .decimal)
    case .access: EventField("access", .word(["read", "write"]))
    case .value: EventField("value", .hexadecimal(2))
    }
  }

  /// The schema of `EventKind.port`.
  static var portFields: [EventField] {
    [EventField("port", .hexadecimal(4), .device)] + allCases.dropFirst().map(\.field)
  }
}

/// The fields of `EventKind.task`.
public enum TaskFields: Int, EventFields {
  case register, old, new

  /// The values of `register`.
  enum Register: UInt64 {
    case cr3, tr
  }

  public var field: EventField {
    switch self {
    case .register: EventField("register", .word(["cr3", "tr"]))
    // Selectors, where the register is TR.
    case .old: EventField("old", .hexadecimal(8), .cr3, isOptional: true)
    case .new: EventField("new", .hexadecimal(8), .cr3)
    }
  }
}

/// The fields of `EventKind.mode`.
public enum ModeFields: Int, EventFields {
  case register, old, new

  public var field: EventField {
    switch self {
    case .register: EventField("register", .word(["cr0", "cr4", "efer", "cpl"]))
    case .old: EventField("old", .hexadecimal(8))
    case .new: EventField("new", .hexadecimal(8))
    }
  }
}

/// The fields of `EventKind.console`.
public enum ConsoleFields: Int, EventFields {
  case port, byte

  public var field: EventField {
    switch self {
    case .port: EventField("port", .word(["serial", "debug"]))
    case .byte: EventField("byte", .character)
    }
  }
}
