/// The exception vectors of IA-32. SDM vol. 3A, table 6-1.
public enum ExceptionVector: UInt8, Codable, Sendable, CaseIterable {
  case divideError = 0
  case debug = 1
  case nonMaskableInterrupt = 2
  case breakpoint = 3
  case overflow = 4
  case boundRangeExceeded = 5
  case invalidOpcode = 6
  case deviceNotAvailable = 7
  case doubleFault = 8
  case coprocessorSegmentOverrun = 9
  case invalidTSS = 10
  case segmentNotPresent = 11
  case stackSegmentFault = 12
  case generalProtection = 13
  case pageFault = 14
  case floatingPointError = 16
  case alignmentCheck = 17
  case machineCheck = 18
  case simdFloatingPoint = 19

  /// The manual's short name, such as `#PF`.
  public var mnemonic: String {
    switch self {
    case .divideError: "#DE"
    case .debug: "#DB"
    case .nonMaskableInterrupt: "NMI"
    case .breakpoint: "#BP"
    case .overflow: "#OF"
    case .boundRangeExceeded: "#BR"
    case .invalidOpcode: "#UD"
    case .deviceNotAvailable: "#NM"
    case .doubleFault: "#DF"
    case .coprocessorSegmentOverrun: "CSO"
    case .invalidTSS: "#TS"
    case .segmentNotPresent: "#NP"
    case .stackSegmentFault: "#SS"
    case .generalProtection: "#GP"
    case .pageFault: "#PF"
    case .floatingPointError: "#MF"
    case .alignmentCheck: "#AC"
    case .machineCheck: "#MC"
    case .simdFloatingPoint: "#XM"
    }
  }

  /// Whether the processor pushes an error code for this vector. SDM vol. 3A, table 6-1.
  public var pushesErrorCode: Bool {
    switch self {
    case .doubleFault, .invalidTSS, .segmentNotPresent, .stackSegmentFault, .generalProtection, .pageFault,
      .alignmentCheck:
      true
    default: false
    }
  }
}

/// The error code that a page fault pushes. SDM vol. 3A, 4.7 and figure 4-12.
@frozen
public struct PageFaultErrorCode: OptionSet, Hashable, Sendable {
  public let rawValue: UInt32

  @inlinable
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// P: the page was present and a right was missing; clear when an entry was not present.
  @inlinable public static var present: Self { Self(rawValue: 1 << 0) }
  /// W/R: the access was a write.
  @inlinable public static var write: Self { Self(rawValue: 1 << 1) }
  /// U/S: the access was a user-mode access.
  @inlinable public static var user: Self { Self(rawValue: 1 << 2) }
  /// RSVD: a reserved bit was set in an entry.
  @inlinable public static var reservedBit: Self { Self(rawValue: 1 << 3) }
  /// I/D: the access was an instruction fetch; reported only under PAE with EFER.NXE.
  @inlinable public static var instructionFetch: Self { Self(rawValue: 1 << 4) }
}

/// What a guest did wrong, as the manual names it: the exception an instruction raises instead of completing.
@frozen
public struct GuestFault: Error, Hashable, Sendable {
  /// The exception.
  public let vector: ExceptionVector
  /// The error code pushed with it, 0 for vectors that push none.
  public let errorCode: UInt32
  /// The linear address that goes to CR2; meaningful for page faults only.
  public let linear: UInt32

  /// An exception; `linear` is the address of a page fault.
  @inlinable
  public init(_ vector: ExceptionVector, errorCode: UInt32 = 0, linear: UInt32 = 0) {
    self.vector = vector
    self.errorCode = errorCode
    self.linear = linear
  }

  /// #GP with a selector's error code (RPL bits cleared), or 0.
  @inlinable
  public static func generalProtection(_ errorCode: UInt32 = 0) -> GuestFault {
    GuestFault(.generalProtection, errorCode: errorCode)
  }

  /// A page fault (#PF) of an access to `linear`.
  @inlinable
  public static func pageFault(_ code: PageFaultErrorCode, at linear: UInt32) -> GuestFault {
    GuestFault(.pageFault, errorCode: code.rawValue, linear: linear)
  }

  /// An undefined opcode (#UD).
  @inlinable
  public static var invalidOpcode: GuestFault { GuestFault(.invalidOpcode) }
}
