export const drawScope = () => {};
