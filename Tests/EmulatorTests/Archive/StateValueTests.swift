import TestSupport
import Testing

@testable import Emulator

@Suite("Values as bytes")
struct StateValueTests {
  struct Sample: Codable, Equatable {
    enum Kind: Codable, Equatable {
      case plain
      case counted(first: UInt64, left: Int)
    }

    var flag = true
    var byte: UInt8 = 200
    var negative = -5
    var smallest = Int64.min
    var largest = UInt64.max
    var text = "fünf"
    var missing: UInt8?
    var there: UInt8? = 3
    var bytes: [UInt8] = [1, 2, 3]
    var numbers: [UInt64] = [.max, 0]
    var doublewords: [UInt32] = [7]
    var words: [UInt16] = [1, 2]
    var kinds: [Kind] = [.plain, .counted(first: 3, left: -1)]
    var vector = SIMD4<UInt32>(1, 2, 3, 4)
  }

  @Test func valuesComeBack() throws {
    let sample = Sample()
    let value = try StateValue(decoding: StateEncoder.encode(sample).encoded)
    #expect(try value == StateEncoder.encode(sample))
    #expect(try StateDecoder.decode(Sample.self, from: value, path: "sample") == sample)
  }

  @Test func whatDoesNotFitIsNamed() throws {
    guard case .record(var fields) = try StateEncoder.encode(Sample()) else {
      Issue.record("a sample is a record")
      return
    }
    let index = try #require(fields.firstIndex { $0.name == "byte" })
    fields[index].value = .natural(256)
    let error = #expect(throws: StateError.self) {
      try StateDecoder.decode(Sample.self, from: .record(fields), path: "sample")
    }
    #expect(error?.description == "sample.byte is not a number that fits UInt8")
    fields.remove(at: index)
    let other = #expect(throws: StateError.self) {
      try StateDecoder.decode(Sample.self, from: .record(fields), path: "sample")
    }
    #expect(other?.description == "sample has no byte")
  }

  @Test("bytes that are no value are refused", arguments: 0..<20 as Range<UInt64>)
  func damage(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let bytes = try StateEncoder.encode(Sample()).encoded
    for count in 0..<bytes.count {
      #expect(throws: StateError.self) { try StateValue(decoding: Array(bytes[..<count])) }
    }
    for _ in 0..<500 {
      var changed = bytes
      for _ in 0...random.below(4) {
        changed[Int(random.below(UInt32(bytes.count)))] = UInt8(truncatingIfNeeded: random.below(256))
      }
      if let value = try? StateValue(decoding: changed) {
        _ = try? StateDecoder.decode(Sample.self, from: value, path: "sample")
      }
    }
    // Lists within lists, and no end.
    #expect(throws: StateError.self) {
      try StateValue(decoding: [UInt8](repeating: 8, count: 1000).flatMap { [$0, 1] })
    }
  }
}
