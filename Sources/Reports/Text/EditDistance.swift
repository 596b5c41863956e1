/// How far two words are apart.
public enum EditDistance {
  /// Letters to insert, remove, replace or swap with a neighbour. (Optimal string alignment.)
  public static func between(_ a: String, _ b: String) -> Int {
    let a = Array(a.utf8.prefix(64))
    let b = Array(b.utf8.prefix(64))
    var rows = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
    for i in 0...a.count { rows[i][0] = i }
    for j in 0...b.count { rows[0][j] = j }
    guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
    for i in 1...a.count {
      for j in 1...b.count {
        let change = a[i - 1] == b[j - 1] ? 0 : 1
        rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + change)
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
          rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
        }
      }
    }
    return rows[a.count][b.count]
  }

  /// The word of `words` that `word` is most likely a slip for; nil where none is near enough.
  public static func nearest(to word: String, among words: [String]) -> String? {
    words.map { ($0, between(word, $0)) }
      .filter { $0.1 <= max(1, min(word.count, $0.0.count) / 3 + ($0.0.count > 3 ? 1 : 0)) }
      .min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
  }
}
