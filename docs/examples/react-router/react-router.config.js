// React Router 8 runs middleware without this flag.
export default { future: { v8_middleware: true } }
