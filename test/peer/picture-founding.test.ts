import { describe, expect, it } from 'vitest'
import { founding } from '../../peer/founding.ts'
import { showPictures } from '../../peer/picture-view.ts'
import { planModel } from '../../src/model/topology.ts'
import { folderOf, greyPng } from '../data/pictures/write-pictures.ts'
import type { Terminal } from '../../peer/terminal.ts'
import type { Settings } from '../../peer/settings.ts'

async function scans (side: number, more: Record<string, Buffer> = {}): Promise<string> {
  const picture = greyPng(side, side, new Uint8Array(side * side))
  return `images:${await folderOf({ 'well/1.png': picture, 'well/2.png': picture, 'sick\u001b[2J/1.png': picture, ...more })}`
}

async function documentOf (settings: Settings): Promise<ReturnType<typeof founding>> {
  return founding(settings)
}

describe('a federation founded on pictures', () => {
  it.each([[8, undefined, 8, 0], [16, undefined, 16, 1], [40, undefined, 40, 3], [200, undefined, 64, 3], [200, '128x128', 128, 4]] as const)('of side %i with --size %s has side %i, and %i convolutions', async (side, size, expected, convolutions) => {
    const { document, pictures } = await documentOf({ data: await scans(side), ...(size === undefined ? {} : { size }) })
    expect(document).toMatchObject({ format: 2, model: { input: { shape: [expected, expected, 1], resize: 'bilinear' } } })
    expect(planModel(document.model).layers.filter(({ kind }) => kind === 'convolution')).toHaveLength(convolutions)
    expect(pictures).toBe(true)
  })

  it('tells its founder what everyone will read, in lines that steer no terminal', async () => {
    const { document } = await documentOf({ data: await scans(16, { 'well/3.png': greyPng(16, 16, new Uint8Array(256), 16) }) })
    const lines: string[] = []
    showPictures({ field: (name: string, text: string) => { lines.push(`${name}: ${text}`) } } as unknown as Terminal, document)
    expect(lines.join('\n')).toContain('Pictures: 16 x 16 pixels, grey, 16 bits')
    expect(lines.join('\n')).toMatch(/the classes "sick.*\[2J", "well": no picture, no pixel's mean/)
    expect(lines.join('\n')).not.toContain('\u001b')
  })

  it('cuts pictures of other proportions where its founder says so', async () => {
    const data = await scans(16)
    expect((await documentOf({ data, fit: 'crop' })).document.model.input).toMatchObject({ resize: 'bilinear', fit: 'crop' })
    expect(await documentOf({ data, fit: 'stretch' })).toEqual(await documentOf({ data }))
    const lines: string[] = []
    showPictures({ field: (name: string, text: string) => { lines.push(`${name}: ${text}`) } } as unknown as Terminal, (await documentOf({ data, fit: 'crop' })).document)
    expect(lines[0]).toBe('Pictures: 16 x 16 pixels, grey, 8 bits; others are cut to their middle and resized')
    await expect(documentOf({ data: 'csv:/a.csv', fit: 'crop' })).rejects.toThrow('--fit is for the pictures of a new federation: give them with --data images:FOLDER')
    await expect(documentOf({ data, fit: 'crop', preset: 'digits' })).rejects.toThrow('--fit is for the pictures of a new federation: a preset says it already')
  })

  it('takes no size where a document is named, or where there are no pictures', async () => {
    await expect(documentOf({ data: await scans(8), size: '8x8', preset: 'digits' })).rejects.toThrow('--size is that of the pictures of a new federation: a preset says it already')
    await expect(documentOf({ data: 'csv:/a.csv', size: '8x8' })).rejects.toThrow('give them with --data images:FOLDER')
    await expect(documentOf({ data: await scans(8), drop: ['x'] })).rejects.toThrow('--drop decides what a new federation\'s document says of a table')
  })
})
