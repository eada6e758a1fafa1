// Serves an emulation of GitHub's API that this project did not write. It reads its data (JSON) from standard input and
// prints its address; it ends when its parent ends it.
import { readFileSync } from 'node:fs'
import { createEmulator } from 'emulate'

const github = await createEmulator({ service: 'github', port: Number(process.argv[2]), seed: JSON.parse(readFileSync(0, 'utf8')) })
console.log(github.url)
