/// Why a file can't be booted: which file, what is wrong with it, and what would be right.
///
/// The description is one sentence on one line, fit to follow `pagewalk: ` on standard error.
public struct GuestImageError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of fault, for callers and tests that tell them apart.
  public enum Reason: Hashable, Sendable, CaseIterable {
    /// The file can't be opened or read.
    case unreadable
    /// The path names a directory, a device or a pipe.
    case notAFile
    /// Neither ELF nor a flat image with Multiboot load addresses.
    case notELF
    /// The file ends before something its headers promise.
    case truncated
    /// ELF, of another class than ELFCLASS32.
    case wrongClass
    /// ELF, big-endian.
    case wrongByteOrder
    /// ELF, for another processor.
    case wrongMachine
    /// ELF, but an object, a shared object or a dynamically linked program.
    case wrongType
    /// A field contradicts the format or another field.
    case malformed
    /// A size beyond all reason: memory past 4 GiB, more file bytes than memory bytes, a huge file.
    case absurdSize
    /// Nothing to load.
    case noLoadableSegment
    /// Two segments claim the same physical bytes.
    case overlappingSegments
    /// A segment leaves the machine's RAM or covers a reserved range.
    case outsideMemory
    /// The entry point is in no segment.
    case entryOutsideSegments
    /// The Multiboot header asks for something this machine does not have.
    case unsupportedMultiboot
    /// The boot protocol that was chosen does not fit the file, or can't hand over what was given.
    case unsupportedProtocol
    /// A module or the information for the guest finds no free RAM below 4 GiB.
    case noRoom
  }

  /// The file's name, as the caller gave it.
  public let file: String
  /// The kind of fault.
  public let reason: Reason
  /// What is wrong.
  public let problem: String
  /// What would be right, to be read after "expected".
  public let expected: String

  /// An error about `file`; `problem` and `expected` are phrases without a full stop.
  public init(file: String, _ reason: Reason, _ problem: String, expected: String) {
    self.file = file
    self.reason = reason
    self.problem = problem
    self.expected = expected
  }

  /// The error as one sentence: file, problem, what was expected.
  public var description: String { "\(file): \(problem); expected \(expected)" }
}

/// `range` as it is written in messages: first and last byte, in hexadecimal.
func describe(_ range: Range<UInt64>) -> String {
  range.isEmpty ? "0x\(hex(range.lowerBound))" : "0x\(hex(range.lowerBound))-0x\(hex(range.upperBound - 1))"
}

/// `value` in hexadecimal without padding.
func hex(_ value: some BinaryInteger) -> String { String(value, radix: 16) }
