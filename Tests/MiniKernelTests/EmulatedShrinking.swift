/// Delta debugging: makes a failing sequence of operations short while it still fails.
enum Shrinking {
  /// A subsequence that fails and from which no single element can be taken, as far as `tries` runs find one.
  ///
  /// Chunks are taken out, large ones first: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input",
  /// without the step to subsets, which sequences of calls gain nothing from.
  static func minimal<T>(_ sequence: [T], tries: Int = 500, fails: ([T]) throws -> Bool) rethrows -> [T] {
    var current = sequence
    var chunk = current.count / 2
    var left = tries
    while chunk > 0 {
      var start = 0
      var hasShrunk = false
      while start < current.count && left > 0 {
        var candidate = current
        candidate.removeSubrange(start..<min(start + chunk, current.count))
        left -= 1
        if try fails(candidate) {
          current = candidate
          hasShrunk = true
        } else {
          start += chunk
        }
      }
      if left == 0 { return current }
      // Single elements are tried until none goes: one that stayed may go once others have.
      if chunk > 1 || !hasShrunk { chunk /= 2 }
    }
    return current
  }
}
