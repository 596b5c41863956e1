/// The rounding control of the x87's control word and of MXCSR, with its encoding. SDM vol. 1, table 4-8.
public enum RoundingMode: UInt8, CaseIterable, Sendable {
  case nearestEven, down, up, towardZero
}
