import { defineConfig } from "vite";
import { viteStaticCopy } from "vite-plugin-static-copy";

// CesiumJS loads its workers, decoders and small data files at run time from CESIUM_BASE_URL.
// What the viewer never asks for (star box, world imagery, water: 2.6 MB) is left out.
const cesiumFolder = "cesium";
const engine = "node_modules/@cesium/engine";

export default defineConfig({
  base: "./", // the same build works under any path
  define: { CESIUM_BASE_URL: JSON.stringify(`./${cesiumFolder}/`) },
  resolve: {
    alias: [
      // Of what CesiumJS imports whole, only the decoder is ever called; splats are no layer here.
      { find: /^meshoptimizer$/, replacement: "meshoptimizer/decoder" },
      { find: /^@spz-loader\/core$/, replacement: "/src/cesium/no_splats.ts" },
    ],
  },
  plugins: [
    viteStaticCopy({
      targets: [
        { src: `${engine}/Build/Workers`, dest: cesiumFolder },
        { src: `${engine}/Source/ThirdParty/*.wasm`, dest: `${cesiumFolder}/ThirdParty` },
        { src: `${engine}/Source/Assets/{IAU2006_XYS,Images}`, dest: `${cesiumFolder}/Assets` },
        { src: `${engine}/Source/Assets/approximateTerrainHeights.json`, dest: `${cesiumFolder}/Assets` },
      ],
    }),
  ],
  build: {
    target: "es2022",
    chunkSizeWarningLimit: 6000,
    // CesiumJS changes seldom: who comes back after an update of the viewer has it still.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "cesium", test: /node_modules/ }] } } },
  },
  server: { fs: { allow: [".."] }, proxy: { "/api": "http://127.0.0.1:8000", "/tiles": "http://127.0.0.1:8000" } },
});
