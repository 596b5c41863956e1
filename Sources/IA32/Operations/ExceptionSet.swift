/// A set of exceptions, as an instruction's record declares them.
public struct ExceptionSet: OptionSet, Hashable, Sendable {
  /// Bit n is set for vector n.
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The set of one exception.
  public init(_ vector: ExceptionVector) { rawValue = 1 << UInt32(vector.rawValue) }

  public static let divideError = ExceptionSet(.divideError)
  public static let debug = ExceptionSet(.debug)
  public static let breakpoint = ExceptionSet(.breakpoint)
  public static let overflow = ExceptionSet(.overflow)
  public static let boundRangeExceeded = ExceptionSet(.boundRangeExceeded)
  public static let invalidOpcode = ExceptionSet(.invalidOpcode)
  public static let deviceNotAvailable = ExceptionSet(.deviceNotAvailable)
  public static let invalidTSS = ExceptionSet(.invalidTSS)
  public static let segmentNotPresent = ExceptionSet(.segmentNotPresent)
  public static let stackSegmentFault = ExceptionSet(.stackSegmentFault)
  public static let generalProtection = ExceptionSet(.generalProtection)
  public static let pageFault = ExceptionSet(.pageFault)
  public static let floatingPointError = ExceptionSet(.floatingPointError)
  public static let alignmentCheck = ExceptionSet(.alignmentCheck)

  /// What any access to memory may raise.
  public static let memoryAccess: ExceptionSet = [
    .generalProtection, .stackSegmentFault, .pageFault, .alignmentCheck,
  ]
  /// What loading a selector may raise.
  public static let selectorLoad: ExceptionSet = [
    .generalProtection, .stackSegmentFault, .segmentNotPresent, .invalidTSS,
  ]
}
