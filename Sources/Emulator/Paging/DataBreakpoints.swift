/// Breakpoints on data, as a processor's debug registers hold them. SDM vol. 3B, 17.2.5.
///
/// Accesses are looked at where no filter answers: a page with a breakpoint has no entry there. The walker's accesses are not
/// linear and meet none.
struct DataBreakpoints: Equatable {
  struct Condition: Equatable {
    /// Linear addresses; they do not wrap, because breakpoints are aligned.
    var first: UInt32
    var last: UInt32
    /// Loads too, and not stores alone.
    var includesReads: Bool
    /// Its bit in DR6.
    var bit: UInt32
  }

  var conditions: [Condition] = []

  var isEmpty: Bool { conditions.isEmpty }

  /// Whether a breakpoint lies in this page.
  func touches(page: UInt32) -> Bool { conditions.contains { $0.first >> 12 == page } }

  /// DR6's bits for an access of `bytes`, all in one page.
  func hits(_ linear: UInt32, bytes: UInt32, isWrite: Bool) -> UInt32 {
    let last = linear &+ (bytes &- 1)
    return conditions.reduce(0) {
      $1.first <= last && linear <= $1.last && (isWrite || $1.includesReads) ? $0 | $1.bit : $0
    }
  }
}
