import Emulator
import IA32

/// Accesses that led nowhere, in sentences: what, how often, and where the first came from.
public struct LostAccessReport: Report {
  private let lost: LostAccesses
  private let describe: (UInt32) -> String

  /// - Parameter describe: words for a linear address, such as "00100014 kernel_main+0x14 (main.c:12)".
  public init(_ lost: LostAccesses, describe: @escaping (UInt32) -> String) {
    self.lost = lost
    self.describe = describe
  }

  /// A kind by its key in JSON and its words: one of it, several, what became of them.
  private var kinds: [(key: String, kind: LostAccesses.Kind, one: String, several: String, effect: String)] {
    [
      ("romStores", lost.romStores, "store into ROM", "stores into ROM", "changed nothing"),
      (
        "unclaimedStores", lost.unclaimedStores, "store where nothing answers",
        "stores where nothing answers",
        "changed nothing"
      ),
      (
        "unclaimedFetches", lost.unclaimedFetches, "byte fetched as code from where nothing answers",
        "bytes fetched as code from where nothing answers", "read as FF"
      ),
    ]
  }

  /// A line for each kind that came up, such as
  /// `2 stores into ROM changed nothing: the first to physical 0fffffffc at cycle 1234, by 00100000 _start`.
  public var lines: [String] {
    kinds.compactMap { _, kind, one, several, effect in
      guard kind.count > 0 else { return nil }
      let what = kind.count == 1 ? "1 \(one)" : "\(kind.count) \(several)"
      guard let first = kind.first else { return "\(what) \(effect)" }
      let which = kind.count == 1 ? "it was" : "the first was"
      return
        "\(what) \(effect): \(which) at physical \(first.physical), cycle \(first.moment.cycle), by \(describe(first.moment.linear))"
    }
  }

  /// An object: for each kind its count, and the first's address, EIP and cycle.
  public var json: JSONValue {
    .object(
      kinds.map { key, kind, _, _, _ in
        var members: [JSONValue.Member] = [.init("count", .number(kind.count))]
        if let first = kind.first {
          members += [
            .init("physical", .physical(first.physical.rawValue)), .init("eip", .linear(first.moment.eip)),
            .init("cycle", .number(first.moment.cycle)),
          ]
        }
        return .init(key, .object(members))
      })
  }
}
