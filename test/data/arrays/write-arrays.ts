/**
 * Makes NPY and NPZ files for tests
 */
import { crc32, deflateRawSync } from 'node:zlib'

/** As NumPy's own `save` writes it, version 1 */
export function npy (descr: string, shape: readonly number[], elements: Uint8Array): Buffer {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`.padEnd(117) + '\n'
  const head = Buffer.from('\x93NUMPY\x01\x00\x00\x00', 'latin1')
  head.writeUInt16LE(text.length, 8)
  return Buffer.concat([head, Buffer.from(text, 'latin1'), elements])
}

/** As `savez_compressed` writes it */
export function npz (arrays: Readonly<Record<string, Buffer>>): Buffer {
  const [locals, entries]: [Buffer[], Buffer[]] = [[], []]
  let offset = 0
  for (const [name, content] of Object.entries(arrays)) {
    const packed = deflateRawSync(content)
    const file = Buffer.from(`${name}.npy`)
    const [local, entry] = [Buffer.alloc(30), Buffer.alloc(46)]
    local.writeUInt32LE(0x04034b50)
    local.writeUInt16LE(file.length, 26)
    entry.writeUInt32LE(0x02014b50)
    entry.writeUInt16LE(8, 10)
    entry.writeUInt32LE(crc32(content), 16)
    entry.writeUInt32LE(packed.length, 20)
    entry.writeUInt32LE(content.length, 24)
    entry.writeUInt16LE(file.length, 28)
    entry.writeUInt32LE(offset, 42)
    locals.push(local, file, packed)
    entries.push(entry, file)
    offset += local.length + file.length + packed.length
  }
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50)
  end.writeUInt16LE(Object.keys(arrays).length, 10)
  end.writeUInt32LE(Buffer.concat(entries).length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, ...entries, end])
}
