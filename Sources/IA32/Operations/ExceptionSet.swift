/// A set of exceptions, as an instruction's record declares them.
public struct ExceptionSet: OptionSet, Hashable, Sendable {
  /// Bit n is set for vector n.
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The set of one exception.
  public init(_ vector: ExceptionVector) { rawValue = 1 << UInt32(vector.rawValue) }

  /// #DE.
  public static let divideError = ExceptionSet(.divideError)
  /// #DB.
  public static let debug = ExceptionSet(.debug)
  /// #BP.
  public static let breakpoint = ExceptionSet(.breakpoint)
  /// #OF.
  public static let overflow = ExceptionSet(.overflow)
  /// #BR.
  public static let boundRangeExceeded = ExceptionSet(.boundRangeExceeded)
  /// #UD.
  public static let invalidOpcode = ExceptionSet(.invalidOpcode)
  /// #NM.
  public static let deviceNotAvailable = ExceptionSet(.deviceNotAvailable)
  /// #TS.
  public static let invalidTSS = ExceptionSet(.invalidTSS)
  /// #NP.
  public static let segmentNotPresent = ExceptionSet(.segmentNotPresent)
  /// #SS.
  public static let stackSegmentFault = ExceptionSet(.stackSegmentFault)
  /// #GP.
  public static let generalProtection = ExceptionSet(.generalProtection)
  /// #PF.
  public static let pageFault = ExceptionSet(.pageFault)
  /// #MF.
  public static let floatingPointError = ExceptionSet(.floatingPointError)
  /// #AC.
  public static let alignmentCheck = ExceptionSet(.alignmentCheck)
  /// #XM.
  public static let simdFloatingPoint = ExceptionSet(.simdFloatingPoint)

  /// What any access to memory may raise.
  public static let memoryAccess: ExceptionSet = [
    .generalProtection, .stackSegmentFault, .pageFault, .alignmentCheck,
  ]
  /// What loading a selector may raise.
  public static let selectorLoad: ExceptionSet = [
    .generalProtection, .stackSegmentFault, .segmentNotPresent, .invalidTSS,
  ]
}
