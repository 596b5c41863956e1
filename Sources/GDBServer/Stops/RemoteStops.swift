import Debugger
import IA32

/// What gdb has inserted with `Z` packets: stops of the session like any other, under gdb's names.
final class RemoteStops {
  /// The kinds, by their numbers in packets.
  enum Kind: UInt8 {
    case software
    case hardware
    case write
    case read
    case access

    /// What a stop reply calls a watchpoint of this kind.
    var watchName: String? {
      switch self {
      case .software, .hardware: nil
      case .write: "watch"
      case .read: "rwatch"
      case .access: "awatch"
      }
    }
  }

  /// A stop by gdb's name.
  struct Key: Hashable {
    let kind: Kind
    let address: UInt32
    /// Bytes that are watched; of a breakpoint something that means nothing here.
    let length: UInt32
  }

  private let stops: StopList
  private var numbers: [Key: Int] = [:]
  private static let maxWatchedBytes: UInt32 = 1 << 20

  init(_ stops: StopList) { self.stops = stops }

  /// `Z KIND,ADDRESS,LENGTH`.
  func insert(_ scanner: PacketScanner) -> Reply {
    guard let key = Self.key(scanner) else { return Self.isUnknown(scanner) ? .unsupported : .malformed }
    // The same packet may come twice: gdb did not hear the answer.
    if let number = numbers[key], stops.stops.contains(where: { $0.number == number }) { return .ok }
    guard let kind = Self.stopKind(key) else { return .malformed }
    numbers[key] = stops.add(kind).number
    return .ok
  }

  /// `z KIND,ADDRESS,LENGTH`.
  func remove(_ scanner: PacketScanner) -> Reply {
    guard let key = Self.key(scanner) else { return Self.isUnknown(scanner) ? .unsupported : .malformed }
    if let number = numbers.removeValue(forKey: key) { _ = stops.remove(number) }
    return .ok
  }

  /// gdb has gone, and its stops with it.
  func removeAll() {
    for number in numbers.values { _ = stops.remove(number) }
    numbers = [:]
  }

  /// The stop that made a hit; nil for one that is not gdb's.
  func key(of hit: Hit) -> Key? { numbers.first { $0.value == hit.stop }?.key }

  private static func stopKind(_ key: Key) -> StopKind? {
    let accesses: StopKind.Accesses
    switch key.kind {
    case .software, .hardware: return .breakpoint([key.address])
    case .write: accesses = .write
    case .read: accesses = .read
    case .access: accesses = .access
    }
    let (last, overflow) = key.address.addingReportingOverflow(key.length &- 1)
    guard key.length > 0, key.length <= maxWatchedBytes, !overflow else { return nil }
    return .watch(key.address...last, accesses)
  }

  private static func key(_ scanner: PacketScanner) -> Key? {
    var scanner = scanner
    guard let number = scanner.hexadecimal(UInt8.self), let kind = Kind(rawValue: number), scanner.take(","),
      let address = scanner.hexadecimal(UInt32.self), scanner.take(","),
      let length = scanner.hexadecimal(UInt32.self)
    else { return nil }
    return Key(kind: kind, address: address, length: length)
  }

  /// A kind that does not exist, rather than one that is badly written.
  private static func isUnknown(_ scanner: PacketScanner) -> Bool {
    var scanner = scanner
    return scanner.hexadecimal(UInt8.self).map { Kind(rawValue: $0) == nil } ?? false
  }
}
