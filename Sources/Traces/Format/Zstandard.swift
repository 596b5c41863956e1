import CZstd

/// One compressor, used again for every block: the same bytes in, the same bytes out.
package final class Compressor {
  /// The fastest level that pays: traces are written while the guest waits.
  package static let level: Int32 = 1

  private let context: OpaquePointer

  package init() {
    guard let context = ZSTD_createCCtx() else { fatalError("no memory for a compressor") }
    self.context = context
  }

  deinit { ZSTD_freeCCtx(context) }

  /// `bytes` as one Zstandard frame, without a checksum: the block around it has one.
  package func compress(_ bytes: UnsafeRawBufferPointer, level: Int32 = Compressor.level) -> [UInt8] {
    let capacity = ZSTD_compressBound(bytes.count)
    return [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      let size = ZSTD_compressCCtx(
        context, buffer.baseAddress, capacity, bytes.baseAddress, bytes.count, level)
      // With room for the worst case it can't fail.
      precondition(ZSTD_isError(size) == 0)
      count = size
    }
  }
}

/// The way back.
package final class Decompressor {
  private let context: OpaquePointer

  package init() {
    guard let context = ZSTD_createDCtx() else { fatalError("no memory for a decompressor") }
    self.context = context
  }

  deinit { ZSTD_freeDCtx(context) }

  /// Exactly `count` bytes out of one frame; nil if it holds anything else.
  package func decompress(_ bytes: ArraySlice<UInt8>, count: Int) -> [UInt8]? {
    var isRight = false
    let result = bytes.withUnsafeBytes { source in
      [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        let size = ZSTD_decompressDCtx(context, buffer.baseAddress, count, source.baseAddress, source.count)
        isRight = ZSTD_isError(size) == 0 && size == count
        filled = isRight ? count : 0
      }
    }
    return isRight ? result : nil
  }
}
