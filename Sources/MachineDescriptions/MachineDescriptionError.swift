/// Why a machine description can't be used: where, what is wrong, and what would be right.
///
/// The description is one sentence on one line, fit to follow `pagewalk: ` on standard error.
public struct MachineDescriptionError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of fault, for callers and tests that tell them apart.
  public enum Reason: Hashable, Sendable, CaseIterable {
    /// Too large, or no UTF-8 text.
    case notText
    /// Not YAML, or YAML of several documents, or a key twice.
    case notYAML
    /// A key that the format does not have.
    case unknownKey
    /// A value of another kind than the key takes: a word for a number, a list for a mapping.
    case wrongType
    /// A value of the right kind outside its range, or a word that is not among the key's.
    case outOfRange
    /// Values that are fine by themselves and make no array, cache or processor together.
    case impossible
  }

  /// The file's name, as the caller gave it.
  public let file: String
  /// The line, counted from 1, where the text has one to blame.
  public let line: Int?
  /// The key and those above it, such as "tlb.data-4k.ways"; empty for the whole description.
  public let key: String
  /// The kind of fault.
  public let reason: Reason
  /// What is wrong.
  public let problem: String
  /// What would be right, to be read after "expected".
  public let expected: String

  /// The error as one sentence: place, key, problem, what was expected.
  public var description: String {
    let place = line.map { "\(file):\($0)" } ?? file
    let subject = key.isEmpty ? "" : "\(key) "
    return "\(place): \(subject)\(problem); expected \(expected)"
  }
}
