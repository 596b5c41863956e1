import IA32

/// What kind of access needs a translation.
public struct PageAccess: Hashable, Sendable {
  public enum Kind: UInt8, Sendable {
    case read
    case write
    case fetch
  }

  public var kind: Kind
  /// The access is a user-mode access: CPL is 3 and the access is explicit. SDM vol. 3A, 4.6.
  public var isUser: Bool

  @inlinable
  public init(_ kind: Kind, user: Bool) {
    self.kind = kind
    isUser = user
  }
}
